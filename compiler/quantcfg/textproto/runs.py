"""Runs of plain fields, taken from a text as one token: nearly all of a text is made of them.

Plain are a field whose value is one scalar, as it is usually written, and a
message of such fields in braces. What else there is, a run leaves to the
grammar; what it takes is read as the grammar would (grammar/textproto.lark).
"""

from __future__ import annotations

import re
from sys import intern

from quantcfg.textproto.tree import Field, Identifier, Literal, Message, Number, String

_DEEPEST = 3
"""How deep messages in a run may be nested. One that has more in it is tried once for each level."""

_GAP = r"\s*+(?:\#[^\n\0]*+\n\s*+)*+"

# A repetition with "+" behind it is possessive: it gives nothing back, so a piece takes time in
# step with its length. A piece never ends where the next token could belong to its value.
_PIECE = re.compile(
    rf"""
    (?: ( [A-Za-z_]\w*+ )                                                        # a name
        (?: \s*+:\s*+
            (?: ( "[^"\\\n\0]*+" | '[^'\\\n\0]*+' )                              # a string
              | ( -?[A-Za-z_]\w*+ )                                              # a word
              | ( -?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)?(?![\w.]) ) )    # a number
          | \s*+(?::\s*+)? ( \{{ ) )                                             # a brace
      | \}} )
    {_GAP} (?!["']) (?(5)|(?:[;,]\s*+)?)
    """,
    re.VERBOSE | re.ASCII,
)
_NAME, _STRING, _WORD, _NUMBER, _BRACE = range(1, 6)
"""The groups of a piece. The last one that matches tells what it is; where it ends a message, none does."""


def run_at(text: str, start: int) -> tuple[list[Field], int]:
    """Return the plain fields from an offset on, and where the last of them ends, with what separates it."""
    offset = end = start
    fields: list[Field] = []
    around: list[tuple[str, int, int, list[Field]]] = []
    while piece := _PIECE.match(text, offset):
        kind = piece.lastindex
        if kind is None:
            if not around:
                break
            name, lead, opening, outer = around.pop()
            outer.append(Field(name, Message(tuple(fields), opening, offset + 1 - opening), lead))
            fields = outer
        elif kind == _BRACE:
            if len(around) == _DEEPEST:
                break
            opening = piece.start(_BRACE)
            around.append((intern(piece[_NAME]), opening - offset, opening, fields))
            fields = []
        else:
            at, written = piece.start(kind), piece[kind]
            value: String | Identifier | Number
            if kind == _NUMBER:
                value = Number(written, at, len(written))
            elif kind == _WORD:
                value = Identifier(written, at, len(written))
            else:
                value = String((Literal(written, at, len(written)),))
            # The same few names stand again and again, and are looked up: one object of each will do.
            fields.append(Field(intern(piece[_NAME]), value, at - offset))
        offset = piece.end()
        end = end if around else offset
    return around[0][-1] if around else fields, end
