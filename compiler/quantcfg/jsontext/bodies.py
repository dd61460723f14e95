"""The fast path for text with a mistake: Python's json reads the objects that plainly have none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from quantcfg.jsontext.json_tree import Value
from quantcfg.jsontext.valid_json import decoded, node_at

DEPTH = 8
"""How deep lists and objects are nested in a body at most."""

_BODY = re.compile(
    r"""
    ^(?P<indent> [ \t]{0,16}+ ) "(?:[^"\\\n]|\\[^\n])*+" [ ]?:[ ]?
    (?P<body> \{\r?\n (?: (?P=indent) [ \t] [^\n]{0,200}+ \n ){1,200}+ (?P=indent) \} )
    """,
    re.VERBOSE | re.MULTILINE,
)
_LINE = re.compile(
    r"""
      (?P<closing> [\]}],? )
    | (?:"\w*+"[ ]?:[ ]?)?+
      (?: (?P<opening> [\[{] ) | (?: [\w.+-]++ | "\w*+" | \[[\w.+\-", ]*+\] | \{\} ) ,? )
    """,
    re.VERBOSE,
)


def without_bodies(text: str) -> tuple[str, Mapping[int, Value]]:
    """Return a text with blanks in place of what is in some objects, and these objects by where they start.

    They are valid, and indented so that the parser finds no mistake in them
    whichever way it reads: each line is deeper than that of the bracket it is in,
    which is closed on the line that it is opened on, or at the start of another
    one just as deep.
    """
    bodies: dict[int, Value] = {}
    pieces: list[str] = []
    last = 0
    read = cache(_read)
    for match in _BODY.finditer(text):
        start, end = match.span("body")
        body = read(match["body"], len(match["indent"]))
        if body:
            bodies[start] = node_at(text, start, body[0], end, body[1])
            pieces += (text[last : start + 1], " " * (end - start - 2))
            last = end - 1
    return "".join((*pieces, text[last:])), bodies


def _read(body: str, indentation: int) -> tuple[object, bool] | None:
    """Return the value of a body, and whether no key is repeated in it; None if it is to be parsed."""
    if not _is_tidy(body, indentation):
        return None
    try:
        value, end, is_distinct = decoded(body, 0)
    except ValueError:
        return None
    return (value, is_distinct) if end == len(body) else None


def _is_tidy(body: str, indentation: int) -> bool:
    opened = [indentation]
    for line in body.split("\n")[1:-1]:
        content = line.lstrip(" \t")
        indentation = len(line) - len(content)
        match = _LINE.fullmatch(content.rstrip())
        if match is None:
            return False
        if match["closing"]:
            if len(opened) == 1 or opened.pop() != indentation:
                return False
        elif indentation <= opened[-1]:
            return False
        if match["opening"]:
            opened.append(indentation)
        if len(opened) >= DEPTH:
            return False
    return True
