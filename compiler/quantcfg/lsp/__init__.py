"""What an editor asks about a text: modules named after the features, and a server that speaks the protocol.

A feature is a function of a document, and of an offset in it, that returns plain
values. Only conversion.py and server.py know of the Language Server Protocol.
"""
