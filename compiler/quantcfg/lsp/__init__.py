"""The language server: one module for each editor feature, and the server that offers them.

A feature is a function of a document, and often an offset, that returns plain values.
Only conversion.py and server.py know the Language Server Protocol.
"""
