"""A lexer that accepts any text, for checks and recovery where the grammar does not apply."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from quantcfg import contracts, limits
from quantcfg.diagnostics import Edit, Report, catalogue
from quantcfg.frozen import small_value
from quantcfg.source import Source, Span

_COMMENT, _GAP, _IDENT = map(contracts.terminal, ("COMMENT", "_GAP", "IDENT"))
_KINDS = {
    "comment": _COMMENT,
    "whitespace": contracts.terminal("WHITESPACE"),
    "string": contracts.terminal("STRING"),
    "unclosed": r"""["'][^\n]*+""",
    "field": rf"""(?:{_IDENT}|\[[^\[\]\n"']*+\])(?={_GAP}[:{{<])""",
    "word": r"[\w.]++",
    "opening": r"[{<\[(]",
    "closing": r"[}>\])]",
    "separator": r"[;,]",
    "other": r"""[^ \t\n\v\f\r#"'A-Za-z0-9_.{}<>\[\]();,]++""",
}
_TOKENS = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _KINDS.items()), re.ASCII)
_FIELD = re.compile(_KINDS["field"])
_MANY_TOKENS = f"(?:{'|'.join(_KINDS.values())}){{1,1000}}+"
_FIELD_ON_A_NEW_LINE = re.compile(rf"\n[ \t\r]*+(?={_IDENT}[ \t]*+[:{{<])")
_LONE_CARRIAGE_RETURN = re.compile(r"\r(?!\n)")
_LIMITED = ("string", "unclosed", "field", "word")
"""The tokens whose length limits.TOKEN_LENGTH limits."""

_FAR = 10_000
"""How many characters to search for the end of a bracket."""

CLOSING = {"{": "}", "<": ">", "[": "]"}
"""The closing bracket of each opening one."""


def starts_field(text: str, offset: int) -> bool:
    """Return whether a field name starts at an offset: a name before ":", "{" or "<"."""
    return _FIELD.match(text, offset) is not None


def next_field(text: str, offset: int, *, in_list: bool) -> int:
    """Return the offset to resume at after a field that cannot be parsed: the next field or closing bracket.

    Matching brackets after the offset are skipped, as they belong to that field.
    in_list is whether the offset is inside a list.
    """
    depth = 0
    for token in _TOKENS.finditer(text, offset):
        kind, start = token.lastgroup, token.start()
        if depth and start - offset > _FAR:
            break
        if kind == "field" and depth == 0:
            return start
        if kind == "opening":
            depth += 1
        elif kind == "closing" and depth:
            depth -= 1
        elif kind == "closing" and text[start] in "}>":
            return start
        elif kind == "closing" and in_list:
            return token.end()
    on_a_new_line = _FIELD_ON_A_NEW_LINE.search(text, offset) if depth else None
    return on_a_new_line.end() if on_a_new_line else len(text)


def holds_names(text: str, start: int, end: int, *, strings: bool) -> bool:
    """Return whether a range contains a name or an opening bracket, or, with strings, a string."""
    names = ("field", "word", "opening", "string") if strings else ("field", "word", "opening")
    return any(token.lastgroup in names for token in _TOKENS.finditer(text, start, end))


def check_tokens(source: Source, report: Report) -> bool:
    """Report overlong tokens and comments that hide a line; return whether the source can be parsed."""
    for comment in _hiding_comments(source):
        _check_comment(comment, report)
    for span in _long_tokens(source):
        length = span.end - span.start
        report(catalogue.TOO_LONG.at(span, length=length, limit=limits.TOKEN_LENGTH))
        return False
    return True


def _check_comment(comment: Span, report: Report) -> None:
    """Report a comment that swallows the next line because a carriage return alone does not end a line."""
    returns = [comment.start + lone.start() for lone in _LONE_CARRIAGE_RETURN.finditer(comment.text)]
    hidden = (line.strip() for line in comment.text.split("\r")[1:])
    if any(line and not line.startswith("#") for line in hidden):
        edits = [Edit(Span(comment.source, at, at + 1), "\n") for at in returns]
        help = "save the file with LF or CRLF line endings"
        report(catalogue.CARRIAGE_RETURN.at(comment, help=help, fix=edits))


def _hiding_comments(source: Source) -> Iterator[Span]:
    """Yield the comments that contain a lone carriage return."""
    if not _LONE_CARRIAGE_RETURN.search(source.text):
        return
    for token in _TOKENS.finditer(source.text):
        # The match includes the character after the comment, which may be the "\n" of "\r\n".
        if token["comment"] and _LONE_CARRIAGE_RETURN.search(source.text, token.start(), token.end() + 1):
            yield Span(source, *token.span())


def _long_tokens(source: Source) -> Iterator[Span]:
    # Limited tokens never span lines, so checking line lengths first is a cheap filter.
    if not _has_long_line(source.text):
        return
    for many in re.finditer(_MANY_TOKENS, source.text, re.ASCII):
        if many.end() - many.start() > limits.TOKEN_LENGTH:
            following = _TOKENS.finditer(source.text, many.start())
            for token in takewhile(lambda token: token.start() < many.end(), following):  # noqa: B023
                if len(token[0]) > limits.TOKEN_LENGTH and token.lastgroup in _LIMITED:
                    yield Span(source, *token.span())


def _has_long_line(text: str) -> bool:
    start = 0
    while len(text) - start > limits.TOKEN_LENGTH:
        start = text.rfind("\n", start, start + limits.TOKEN_LENGTH + 1) + 1
        if not start:
            return True
    return False


def nested_name(source: Source, depth: int) -> Span | None:
    """Return the name of the first message at a nesting depth, by counting brackets, or None."""
    opened = 0
    name = (0, 0)
    for token in _TOKENS.finditer(source.text):
        if token.lastgroup == "field":
            name = token.span()
        elif token.lastgroup == "opening" and token[0] in "{<":
            opened += 1
            if opened == depth:
                return Span(source, *name)
        elif token.lastgroup == "closing" and token[0] in "}>":
            opened -= 1
    return None


def tokens(text: str, end: int) -> Iterator[re.Match[str]]:
    """Yield the tokens before an offset; the last one may be truncated. lastgroup is the kind of a token."""
    return _TOKENS.finditer(text, 0, end)


def token_at(text: str, offset: int) -> re.Match[str] | None:
    """Return the token at an offset."""
    return _TOKENS.match(text, offset)


# --- brackets and indentation


@small_value
class _Bracket:
    """A bracket; indentation is that of its line, or None for a closing bracket in mid-line."""

    text: str
    offset: int
    indentation: int | None
    is_opening: bool


def unclosed(text: str, end: int) -> tuple[Sequence[int], Sequence[int]]:
    """Find unclosed brackets by indentation: those that a closing bracket skips, and those open at end.

    Both results are offsets, in the order of the closing brackets and the
    innermost first. Both are empty if some closing bracket has no opening one.
    """
    opened: list[_Bracket] = []
    missing: list[int] = []
    for bracket in _brackets(text, end):
        if bracket.is_opening:
            opened.append(bracket)
            continue
        depth = _depth(opened, bracket.indentation)
        if depth > len(opened) or CLOSING[opened[-depth].text] != bracket.text:
            return (), ()
        inner = opened[len(opened) - depth + 1 :]
        missing += [each.offset for each in reversed(inner)]
        del opened[-depth:]
    return missing, [each.offset for each in reversed(opened)]


def surplus(text: str, end: int) -> int | None:
    """Return the offset of the first closing bracket that is indented deeper than its opening line.

    Return None unless the brackets before end match once such brackets are removed.
    """
    opened: list[_Bracket] = []
    found: int | None = None
    for bracket in _brackets(text, end):
        if bracket.is_opening:
            opened.append(bracket)
        elif not opened:
            return None
        elif (bracket.indentation or 0) > (opened[-1].indentation or 0):
            found = bracket.offset if found is None else found
        else:
            opened.pop()
    return None if opened else found


def _depth(opened: Sequence[_Bracket], indentation: int | None) -> int:
    """Return how many open brackets a closing one closes by its indentation, by default 1."""
    if indentation is None:
        return 1
    for depth, bracket in enumerate(reversed(opened[-limits.NESTING :]), start=1):
        if (bracket.indentation or 0) <= indentation:
            return depth if bracket.indentation == indentation else 1
    return 1


def _brackets(text: str, end: int) -> Iterator[_Bracket]:
    """Yield the brackets before an offset, except those in strings and comments."""
    indentation = start = 0
    for token in tokens(text, end):
        kind, at = token.lastgroup, token.start()
        if kind == "whitespace" and (at == 0 or "\n" in token[0]):
            indentation, start = len(token[0].rpartition("\n")[2].expandtabs()), token.end()
        elif kind in ("opening", "closing") and token[0] not in "()":
            is_opening = kind == "opening"
            yield _Bracket(token[0], at, indentation if is_opening or at == start else None, is_opening)
