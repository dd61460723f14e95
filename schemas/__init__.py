"""The schemas: the published configuration schema, and the capabilities of layer types."""
