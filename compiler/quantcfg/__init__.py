"""Compile a quantization request for a Caffe network into the JSON configuration that AMCT reads."""
