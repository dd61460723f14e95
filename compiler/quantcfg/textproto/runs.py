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
    (?: ( [A-Za-z_]\w*+ )                                                          # name
        (?: ( \s*+:\s*+ )                                                          # colon
            (?: ( "[^"\\\n\0]*+" | '[^'\\\n\0]*+' )                                # string
              | ( -?[A-Za-z_]\w*+ )                                                # word
              | ( -?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)?(?![\w.]) ) )      # number
          | ( \s*+(?::\s*+)? ) \{{ )                                               # before_brace
      | \}} )
    ( {_GAP} (?!["']) (?(6)|(?:[;,]\s*+)?) )                                       # behind
    """,
    re.VERBOSE | re.ASCII,
)


def run_at(text: str, start: int) -> tuple[list[Field], int]:
    """Return the plain fields from an offset on, and where the last of them ends, with what separates it."""
    offset = end = start
    fields: list[Field] = []
    around: list[tuple[str, int, int, list[Field]]] = []
    while piece := _PIECE.match(text, offset):
        name, colon, string, word, number, before_brace, behind = piece.groups()
        if name is None:
            if not around:
                break
            name, lead, opening, outer = around.pop()
            offset += 1
            outer.append(Field(name, Message(tuple(fields), opening, offset - opening), lead))
            fields = outer
        elif colon is None:
            if len(around) == _DEEPEST:
                break
            lead = len(name) + len(before_brace)
            opening = offset + lead
            around.append((intern(name), lead, opening, fields))
            offset, fields = opening + 1, []
        else:
            lead = len(name) + len(colon)
            at = offset + lead
            length = len(number or word or string)
            value: String | Identifier | Number
            if number:
                value = Number(number, at, length)
            elif word:
                value = Identifier(word, at, length)
            else:
                value = String((Literal(string, at, length),))
            # The same few names stand again and again, and are looked up: one object of each will do.
            fields.append(Field(intern(name), value, lead))
            offset = at + length
        offset += len(behind)
        end = end if around else offset
    return around[0][-1] if around else fields, end
