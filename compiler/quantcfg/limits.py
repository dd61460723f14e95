"""How much of anything is read. What is beyond is refused with a code of its own, never with a crash."""

from __future__ import annotations

NESTING = 100
"""How deep messages, objects and lists may be nested; protobuf's own limit for binary data."""

NESTING_READ = 10_000
"""How deep messages may be nested in text that is read at all: beyond, only that is reported."""

FILE_SIZE = 32 * 2**20
"""How many bytes a text may have; the configuration of 50,000 layers has about 25 million."""

MESSAGE_SIZE = 64 * 2**20
"""How many bytes a message to the language server may have."""

TOKEN_LENGTH = 2**20
"""How many characters a name, a number or a string may have."""

LAYERS = 50_000
"""How many layers a network may have."""

SYNTAX_MISTAKES = 100
"""How many mistakes in the syntax of a text are told; behind the last one it is not read on."""

FINDINGS_OF_A_CODE = 1_000
"""How many findings of one code are told of a text."""

COMPARISONS = 20_000
"""How many names are compared to suggest what was meant: where many names are not known, they are those of
another network, and what each was meant to be is not worth the time to find out."""

COMPARED_LENGTH = 80
"""How many characters a name may have that is compared: the time for that grows with its square."""
