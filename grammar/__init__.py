"""The grammar of protobuf text format."""
