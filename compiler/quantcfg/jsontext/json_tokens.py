"""The tokens of JSON (RFC 8259), and common wrong tokens such as comments and single quotes."""

from __future__ import annotations

import re

from quantcfg.frozen import small_value

WHITESPACE = r"[ \t\n\r]*+"
STRING = r'"(?:[^"\\\n]|\\[^\n])*+"'

_TOKEN = re.compile(
    rf"""
    {WHITESPACE} (?:
      (?P<comment>      //[^\n]*+ | /\*.*?(?:\*/|\Z) | \#[^\n]*+ )
    | (?P<string>       {STRING} )
    | (?P<quoted>       '(?:[^'\\\n]|\\[^\n])*+' )
    | (?P<unterminated> ["'][^\s"',:{{}}\[\]]*+ )
    | (?P<curved>       [\u201c\u201d\u201e][^\u201c\u201d\n]*+[\u201c\u201d] )
    | (?P<number>       -?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?(?![\w.$+-]) )
    | (?P<word>         [\w.$+-]++ )
    | (?P<punctuation>  [{{}}\[\]:,] )
    | (?P<end>          \Z )
    | (?P<other>        . )
    )
    """,
    re.VERBOSE | re.DOTALL,
)


@small_value
class Token:
    """A token; line is the offset at which its line starts.

    kind is the name of the group in the pattern; for punctuation it is the character.
    """

    kind: str
    text: str
    start: int
    end: int
    line: int


def token_at(text: str, offset: int, before: Token | None) -> Token:
    """Return the next token at or after an offset, an end token if none is left.

    before is the token before it, if any.
    """
    match = _TOKEN.match(text, offset)
    assert match
    kind = match.lastgroup
    assert kind
    token, (start, end) = match[kind], match.span(kind)
    if kind == "end":
        start = end = len(text.rstrip())
    elif kind == "punctuation":
        kind = token
    line = text.rfind("\n", before.start if before else 0, start) + 1
    return Token(kind, token, start, end, line or (before.line if before else 0))
