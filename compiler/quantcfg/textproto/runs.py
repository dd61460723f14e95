"""A run of plain fields to syntax tree: what grammar/runs.lark takes as one token."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from quantcfg.textproto import tree
from quantcfg.textproto.lalr import Token

# The grammar has seen to it that a run holds nothing else, so this need not look closely.
_PIECE = re.compile(
    r"""
      (?P<name> \w++ ) \s*+ (?: :\s*+ )?
      (?: (?P<string> "[^"]*+" | '[^']*+' )
        | (?P<identifier> -?[A-Za-z_]\w*+ )
        | (?P<number> [\w.+-]++ )
        | (?P<opening> \{ ) )
    | (?P<closing> \} )
    | \#.*
    """,
    re.VERBOSE | re.ASCII,
)


def fields_of_run(run: Token) -> list[tree.Field]:
    """Return the fields of a run."""
    offset = run.start_pos
    fields: list[tree.Field] = []
    around: list[tuple[tree.Name, int, list[tree.Field]]] = []
    for piece in _PIECE.finditer(run):
        kind, end = piece.lastgroup, offset + piece.end()
        if kind is None:
            continue
        if kind == "closing":
            name, start, outer = around.pop()
            outer.append(tree.Field(name, tree.Message(tuple(fields), start, end)))
            fields = outer
            continue
        start, text = offset + piece.start(), piece["name"]
        name = tree.Name(text, False, start, start + len(text))
        if kind == "opening":
            around.append((name, end - 1, fields))
            fields = []
        else:
            text = piece[kind]
            fields.append(tree.Field(name, _SCALARS[kind](text, end - len(text), end)))
    return fields


def _string(text: str, start: int, end: int) -> tree.String:
    return tree.String((tree.Literal(text, start, end),))


_SCALARS: Mapping[str, Callable[[str, int, int], tree.Scalar]] = {
    "string": _string,
    "identifier": tree.Identifier,
    "number": tree.Number,
}
