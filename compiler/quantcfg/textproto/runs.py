"""A run of plain fields to syntax tree: what grammar/runs.lark takes as one token."""

from __future__ import annotations

import re
from sys import intern

from quantcfg.textproto.lalr import Token
from quantcfg.textproto.tree import Field, Identifier, Literal, Message, Number, String

_GAP = r"\s*+(?:\#.*\n\s*+)*+"

# The grammar has seen to it that a run holds nothing else, so this need not look closely. The
# pieces leave nothing out: where one stands follows from the lengths of those before it.
_PIECE = re.compile(
    rf"""
    (?: ( \w++ ) ( \s*+ (?: :\s*+ )? )            # name, between
        (?: ( "[^"]*+" | '[^']*+' )               # string
          | ( -?[A-Za-z_]\w*+ )                   # word
          | ( [\w.+-]++ )                         # number
          | \{{ )
      | ( \}} ) )                                 # closing
    ( {_GAP} (?: [;,]\s*+ )? )                   # behind
    """,
    re.VERBOSE | re.ASCII,
)


def fields_of_run(run: Token) -> list[Field]:
    """Return the fields of a run."""
    offset = run.start_pos
    fields: list[Field] = []
    around: list[tuple[str, int, int, list[Field]]] = []
    for name, between, string, word, number, closing, behind in _PIECE.findall(run):
        start = offset
        if closing:
            name, start, opening, outer = around.pop()
            offset += 1
            message = Message(tuple(fields), opening, offset)
            outer.append(Field(name, message, start, start + len(name)))
            fields = outer
        else:
            # The same few names stand again and again, and are looked up: one object of each will do.
            name = intern(name)
            name_end = start + len(name)
            at = name_end + len(between)
            offset = at + (len(string or word or number) or 1)
            if word:
                fields.append(Field(name, Identifier(word, at, offset), start, name_end))
            elif number:
                fields.append(Field(name, Number(number, at, offset), start, name_end))
            elif string:
                literal = Literal(string, at, offset)
                fields.append(Field(name, String((literal,)), start, name_end))
            else:
                around.append((name, start, at, fields))
                fields = []
        offset += len(behind)
    return fields
