"""Limits on the input. Each has its own diagnostic."""

from __future__ import annotations

NESTING = 100
"""Nesting of messages, objects and lists; protobuf has the same limit for binary data."""

NESTING_READ = 10_000
"""Nesting beyond which parsing stops; between the two limits, other errors are reported as well."""

FILE_SIZE = 32 * 2**20
"""Bytes of a text file; a configuration of 50,000 layers has about 25 million."""

MESSAGE_SIZE = 64 * 2**20
"""Bytes of a message to the language server."""

TOKEN_LENGTH = 2**20
"""Characters of a name, a number or a string."""

LAYERS = 50_000
"""Layers of a network."""

SHAPE_AXES = 32
"""Axes of a shape given on the command line; Caffe has the same limit."""

SHAPE_VALUES = 2**31 - 1
"""Values of a shape given on the command line; Caffe has the same limit."""

SYNTAX_ERRORS = 100
"""Syntax errors reported per file; parsing stops after the last one."""

DIAGNOSTICS_PER_CODE = 1_000
"""Diagnostics reported per code and file."""

COMPARISONS = 20_000
"""Name comparisons made for suggestions. Many unknown names mean another network, where suggestions are
useless and slow."""

COMPARED_LENGTH = 80
"""Characters of a name that is compared for suggestions: the time is quadratic in the length."""
