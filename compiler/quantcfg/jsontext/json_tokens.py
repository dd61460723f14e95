"""A JSON text in tokens: those of JSON (RFC 8259), and those that people write in their place."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quantcfg.frozen import small_value

_TOKEN = re.compile(
    r"""
    [ \t\n\r]*+ (?:
      (?P<comment>     //[^\n]*+ | /\*.*?(?:\*/|\Z) | \#[^\n]*+ )
    | (?P<string>      "(?:[^"\\\n]|\\[^\n])*+" )
    | (?P<quoted>      '(?:[^'\\\n]|\\[^\n])*+' )
    | (?P<unended>     ["'][^\s"',:{}\[\]]*+ )
    | (?P<curved>      [\u201c\u201d\u201e][^\u201c\u201d\n]*+[\u201c\u201d] )
    | (?P<number>      -?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?(?![\w.$+-]) )
    | (?P<word>        [\w.$+-]++ )
    | (?P<punctuation> [{}\[\]:,] )
    | (?P<end>         \Z )
    | (?P<other>       . )
    )
    """,
    re.VERBOSE | re.DOTALL,
)


@small_value
class Token:
    """A piece of the text that means something; kind is the name of its group, "end" behind the last one."""

    kind: str
    text: str
    start: int
    end: int


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a text, comments among them, and one for its end."""
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        assert kind
        if kind != "end":
            yield Token(kind, match[kind], *match.span(kind))
    end = len(text.rstrip())
    yield Token("end", "", end, end)
