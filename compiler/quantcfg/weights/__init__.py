"""The weights of layers as arrays, and a network as the steps that use them."""
