"""The Caffe edition: the layers of a prototxt, of all its versions, and the weights of a caffemodel."""
