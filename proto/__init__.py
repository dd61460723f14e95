"""What may be written: the schemas of quant.cfg and of the part of Caffe that matters."""
