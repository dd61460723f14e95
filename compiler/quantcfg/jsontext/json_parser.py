"""Parse JSON to a syntax tree, and continue after errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import TypeVar

from quantcfg import limits
from quantcfg.diagnostics import Diagnostic, Edit, Report, catalogue, related
from quantcfg.diagnostics.suggestions import suggest
from quantcfg.files import has_other_content, without_byte_order_mark
from quantcfg.jsontext.json_tokens import Token
from quantcfg.jsontext.json_tree import Array, Member, Missing, Object, Scalar, Value, member_of
from quantcfg.jsontext.valid_json import CachedText
from quantcfg.source import Source, Span

_WORDS = {"true": True, "false": False, "null": None}
_OTHER_WORDS = dict.fromkeys(("yes", "on"), "true") | dict.fromkeys(("no", "off"), "false") | {"none": "null"}
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$./-]*")
_OTHER_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?:0[xX](?P<hex>[0-9A-Fa-f]+)|0*(?P<whole>[0-9]*)\.?(?P<rest>[0-9]*))"
)
_WHITESPACE = re.compile(r"\s*")
_STARTS_WITH_ZERO = re.compile(r"[+-]?0[0-9]")
_CERTAIN = (catalogue.NOT_JSON.code, catalogue.JSON_SYNTAX.code)
_NOT_FINITE = ("nan", "inf", "infinity")
_CLOSING = {"{": "}", "[": "]"}
_LONGEST_QUOTE = 40
_FOLLOW_UP_TOKENS = 4
"""An error within this many tokens after another one, on the same line, is most likely caused by it."""

_Node = TypeVar("_Node")


def parse(source: Source, report: Report, *, wanted: str = "JSON") -> Value:
    """Return the syntax tree of a source, after reporting its syntax errors.

    Unless there is only one error, with a certain fix, the source is parsed again by
    its indentation, which may show a missing bracket better. The result with fewer
    errors is used. wanted is the name of the expected format in messages.
    """
    if has_other_content(source, report, wanted=wanted):
        return Missing(0, len(source.text))
    text = CachedText(without_byte_order_mark(source, report))
    value, found = _read(source, text)
    if len(found) > 1 or not all(each.fix and each.code in _CERTAIN for each in found):
        readings = (_read(source, text, by_indentation=True), (value, found))
        value, found = min(readings, key=lambda reading: len(reading[1]))
    for diagnostic in found:
        report(diagnostic)
    return value


def _read(
    source: Source, text: CachedText, *, by_indentation: bool = False
) -> tuple[Value, list[Diagnostic]]:
    reader = _Reader(source, text, by_indentation)
    reader.lex(1)
    value = _document(reader)
    reader.go_to_end()
    too_deep = catalogue.TOO_DEEP.code
    errors = [each for each in reader.errors if each.code == too_deep or not reader.has_open_comment]
    return value, reader.comments + errors


def _document(reader: _Reader) -> Value:
    token = reader.token
    if token.kind == "word" and token.text not in _WORDS:
        # No JSON value starts like this, so the rest is not JSON either.
        _expected(reader, "a value")
        return Missing(token.start, token.end)
    value = _value(reader, 1)
    if reader.token.kind != "end":
        _expected(reader, "the end of the file")
    return value


@dataclass
class _Reader:
    """The state of one parse: the tokens so far, the index of the next one, and the errors.

    comments holds the errors about comments, errors all others. error_index is the
    index of the token at the last error without a certain fix. closed_at is the index
    of the token before which the last missing bracket was assumed.
    """

    source: Source
    text: CachedText
    by_indentation: bool
    offset: int = 0
    lexed: Token | None = None
    tokens: list[Token] = field(default_factory=list)
    index: int = 0
    comments: list[Diagnostic] = field(default_factory=list)
    errors: list[Diagnostic] = field(default_factory=list)
    error_index: int = -_FOLLOW_UP_TOKENS
    closed_at: int = -1
    gave_up: bool = False
    has_open_comment: bool = False

    @property
    def last(self) -> Token:
        return self.tokens[self.index - 1]

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    @property
    def following(self) -> Token:
        """The token after the next one."""
        self.lex(self.index + 2)
        return self.tokens[self.index + 1]

    def lex(self, count: int) -> None:
        """Read tokens until there are count of them."""
        while len(self.tokens) < count:
            token = self.lexed = self.text.token_at(self.offset, self.lexed)
            if token.kind == "comment":
                _comment(self, token)
            else:
                self.tokens.append(token)
            if token.kind != "end":
                self.offset = token.end

    def take(self) -> Token:
        """Return the next token, and advance."""
        token = self.tokens[self.index]
        if token.kind != "end":
            self.index += 1
            self.lex(self.index + 1)
        return token

    def takes(self, kind: str) -> bool:
        """Skip the next token if it has this kind; return whether it has."""
        return self.token.kind == kind and bool(self.take())

    def go_to_end(self) -> None:
        while self.take().kind != "end":
            pass


def _comment(reader: _Reader, token: Token) -> None:
    is_open = token.text.startswith("/*") and not token.text.endswith("*/")
    what, help = ("unterminated comment", 'end it with "*/"') if is_open else ("comment", "remove it")
    fix = [] if is_open else [Edit(_span(reader, token), "")]
    reader.comments.append(catalogue.NOT_JSON.at(_span(reader, token), what=what, help=help, fix=fix))
    reader.has_open_comment |= is_open


def _indentation(reader: _Reader, token: Token) -> str:
    """Return the whitespace at the start of the line of a token."""
    match = _WHITESPACE.match(reader.source.text, token.line, token.start)
    return match[0] if match else ""


def _starts_line(reader: _Reader, token: Token) -> bool:
    return token.line > 0 and token.line + len(_indentation(reader, token)) == token.start


def _span(reader: _Reader, token: Token) -> Span:
    return Span(reader.source, token.start, token.end)


def _in_place(reader: _Reader, text: str) -> Edit:
    """Return the edit that replaces the next token."""
    return Edit(_span(reader, reader.token), text)


def _insertion(reader: _Reader, at: int, text: str) -> Edit:
    return Edit(Span(reader.source, at, at), text)


def _report(reader: _Reader, diagnostic: Diagnostic) -> None:
    """Report an error, unless the one before most likely causes it; after too many, give up."""
    assert diagnostic.span
    last = reader.tokens[max(reader.error_index, 0)]
    between = reader.source.text[last.end : diagnostic.span.start]
    follows = reader.index - reader.error_index < _FOLLOW_UP_TOKENS and "\n" not in between
    if diagnostic.code != catalogue.NOT_JSON.code and not diagnostic.fix:
        # The intent is unclear, so the next tokens may be misread.
        reader.error_index = reader.index
    if follows or reader.gave_up:
        return
    if len(reader.errors) == limits.SYNTAX_ERRORS:
        diagnostic = catalogue.TOO_MANY_ERRORS.at(diagnostic.span, limit=limits.SYNTAX_ERRORS)
        _give_up(reader)
    reader.errors.append(diagnostic)


def _give_up(reader: _Reader) -> None:
    """Skip to the end, and report no more errors."""
    reader.gave_up = True
    reader.go_to_end()


def _expected(
    reader: _Reader,
    what: str,
    *,
    found: str | None = None,
    opening: Token | None = None,
    note: str = "is never closed",
    help: str | None = None,
    fix: Edit | None = None,
) -> None:
    token = reader.token
    found = found or ("the end of the file" if token.kind == "end" else _quoted(token))
    diagnostic = catalogue.JSON_SYNTAX.at(
        _span(reader, token),
        expected=what,
        found=found,
        related=related(_span(reader, opening), f'this "{opening.kind}" {note}') if opening else (),
        help=help,
        fix=[fix] if fix else [],
    )
    _report(reader, diagnostic)


def _quoted(token: Token) -> str:
    if token.text in ("'", '"'):
        return "a quotation mark"
    text = _short(token.text)
    return text if text.startswith('"') else f'"{text}"'


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."


def _not_json(reader: _Reader, token: Token, what: str, help: str, text: str | None) -> None:
    """Report a token that is not allowed in JSON; text is its replacement, if there is a certain one."""
    span = _span(reader, token)
    fix = [] if text is None else [Edit(span, text)]
    _report(reader, catalogue.NOT_JSON.at(span, what=what, help=help, fix=fix))


def _value(reader: _Reader, depth: int) -> Value:
    token = reader.token
    if token.kind in _CLOSING:
        return _valid(reader, depth) or _bracketed(reader, depth)
    if token.kind not in _SCALARS:
        _expected(reader, "a value")
        if token.kind == "other":
            reader.take()
        return Missing(token.start, token.end)
    if _lacks_start(token, reader.following):
        return _without_start(reader, reader.take())
    value = _scalar(reader, token)
    reader.take()
    return value


def _valid(reader: _Reader, depth: int) -> Value | None:
    """Return an object or list from the fast path, or None if it may contain an error."""
    if reader.index - reader.error_index < _FOLLOW_UP_TOKENS:
        # Whether the next error is reported depends on the number of tokens.
        return None
    indentation = _indentation(reader, reader.token) if reader.by_indentation else None
    value = reader.text.value_at(reader.token.start, depth, indentation)
    if value:
        reader.offset = value.end - 1
        reader.take()
        reader.take()
    return value


def _scalar(reader: _Reader, token: Token) -> Scalar | Missing:
    length = len(token.text)
    if length > limits.TOKEN_LENGTH:
        span = _span(reader, token)
        _report(reader, catalogue.TOO_LONG.at(span, length=length, limit=limits.TOKEN_LENGTH))
        return Missing(token.start, token.end)
    return _SCALARS[token.kind](reader, token)


# --- strings, numbers and words


def _string(reader: _Reader, token: Token) -> Scalar | Missing:
    try:
        return Scalar(json.loads(token.text), token.start, token.end)
    except ValueError as error:
        at = token.start + getattr(error, "pos", 0)
        is_escape = reader.source.text[at] == "\\"
        span = Span(reader.source, at, at + 1 + is_escape)
        what = f'escape "{span.text}"' if is_escape else "control character in a string"
        help = "write \\\\ for a backslash" if is_escape else "write an escape such as \\t"
        _report(reader, catalogue.NOT_JSON.at(span, what=what, help=help))
        return Missing(token.start, token.end)


def _number(_: _Reader, token: Token) -> Scalar:
    try:
        return Scalar(int(token.text), token.start, token.end)
    except ValueError:
        return Scalar(float(token.text), token.start, token.end)


def _quoted_string(reader: _Reader, token: Token) -> Scalar:
    text = json.dumps(token.text[1:-1].replace("\\'", "'"), ensure_ascii=False)
    quotes = "single" if token.kind == "quoted" else "curved"
    _not_json(reader, token, f"string in {quotes} quotes", f"write {text}", text)
    return Scalar(json.loads(text), token.start, token.end)


def _unterminated_string(reader: _Reader, token: Token) -> Missing:
    quote = token.text[0]
    fix = [_insertion(reader, token.end, quote)] if quote == '"' and len(token.text) > 1 else []
    _report(
        reader, catalogue.UNTERMINATED_STRING.at(_span(reader, token), help=f"end it with {quote}", fix=fix)
    )
    return Missing(token.start, token.end)


def _word(reader: _Reader, token: Token) -> Scalar | Missing:
    text = token.text
    if text in _WORDS:
        return Scalar(_WORDS[text], token.start, token.end)
    lower = text.lower()
    known = lower if lower in _WORDS else _OTHER_WORDS.get(lower) or suggest(lower, _WORDS).slip
    meant = known or _plain_number(text)
    if meant:
        # A number that starts with 0 may lack a decimal point.
        fix = None if _STARTS_WITH_ZERO.match(text) else meant
        _not_json(reader, token, f'"{text}"', f"write {meant}", fix)
        return Scalar(json.loads(meant), token.start, token.end)
    if lower.strip("+-") in _NOT_FINITE:
        _not_json(reader, token, f'"{text}"', "write a decimal number", None)
    elif _IDENTIFIER.fullmatch(text):
        begun = next((word for word in _WORDS if word.startswith(lower)), None)
        in_quotes = None if begun else json.dumps(text, ensure_ascii=False)
        help = f"write {begun}, or put it in double quotes" if begun else "put it in double quotes"
        _not_json(reader, token, f'"{_short(text)}"', help, in_quotes)
    else:
        _expected(reader, "a value")
    return Missing(token.start, token.end)


def _plain_number(text: str) -> str | None:
    """Return the JSON form of a number in the syntax of another language, else None."""
    match = _OTHER_NUMBER.fullmatch(text)
    if match is None or not any(map(match.group, ("hex", "whole", "rest"))):
        return None
    sign = "-" if match["sign"] == "-" else ""
    if match["hex"]:
        return f"{sign}{int(match['hex'], 16)}"
    return f"{sign}{match['whole'] or 0}" + (f".{match['rest']}" if match["rest"] else "")


_SCALARS: dict[str, Callable[[_Reader, Token], Scalar | Missing]] = {
    "string": _string,
    "number": _number,
    "quoted": _quoted_string,
    "curved": _quoted_string,
    "unterminated": _unterminated_string,
    "word": _word,
}
_KEYS = _SCALARS.keys() - {"number"}
_VALUES = _SCALARS.keys() | _CLOSING.keys()
"""Token kinds that can start a key or a value."""


# --- objects and lists


def _bracketed(reader: _Reader, depth: int) -> Value:
    opening = reader.token
    if depth > limits.NESTING:
        reader.errors.append(catalogue.TOO_DEEP.at(_span(reader, opening), limit=limits.NESTING))
        _give_up(reader)
        return Missing(opening.start, opening.end)
    return _inside(reader, reader.take(), depth)


def _inside(reader: _Reader, opening: Token, depth: int) -> Object | Array:
    """Parse the rest of an object or list after its opening bracket."""
    if opening.kind == "{":
        members = _parts(reader, opening, depth, _KEYS, _member)
        return Object(members, opening.start, reader.last.end)
    return Array(_parts(reader, opening, depth, _VALUES, _value), opening.start, reader.last.end)


def _parts(
    reader: _Reader, opening: Token, depth: int, starts: Set[str], read: Callable[[_Reader, int], _Node]
) -> tuple[_Node, ...]:
    """Parse members or items, and the closing bracket."""
    parts: list[_Node] = []
    while not _ends(reader, opening):
        if reader.token.kind in starts:
            parts.append(read(reader, depth + 1))
            _separator(reader, opening)
        elif reader.token.kind == ",":
            _expected(reader, "a value or a key", help="remove the comma", fix=_in_place(reader, ""))
            reader.take()
        else:
            _skip_unexpected(reader, opening, depth)
    return tuple(parts)


def _skip_unexpected(reader: _Reader, opening: Token, depth: int) -> None:
    """Report and skip a value or token that cannot be part of an object or list."""
    if opening.kind == "{":
        _expected(reader, "a key in double quotes")
    else:
        _expected(reader, 'a value or "]"', opening=opening, note="starts the list")
    if reader.token.kind in _VALUES:
        _value(reader, depth + 1)
    else:
        reader.take()


def _member(reader: _Reader, depth: int) -> Member:
    token = reader.take()
    if _lacks_start(token, reader.token):
        missing = _without_start(reader, token)
        return member_of(missing, missing)
    if _lacks_end(token, reader.token):
        return _unterminated_key(reader, token)
    key = _key(reader, token)
    if reader.token.text == "=":
        _expected(reader, '":"', fix=_in_place(reader, ":"))
        reader.take()
    elif not reader.takes(":"):
        edit = _insertion(reader, token.end, ":")
        _expected(reader, '":"', fix=edit if reader.token.kind in _VALUES else None)
    return member_of(key, _value_of(reader, token, depth))


def _value_of(reader: _Reader, key: Token, depth: int) -> Value:
    """Parse the value of a key.

    If the next key follows instead, the opening bracket of the value is missing, or the
    whole value; the indentation shows which.
    """
    token = reader.token
    may_be_key = reader.by_indentation and token.kind == "string" and _starts_line(reader, token)
    if not may_be_key or reader.following.kind != ":":
        return _value(reader, depth)
    end = reader.last.end
    if len(_indentation(reader, token)) > len(_indentation(reader, key)):
        _expected(reader, '"{"', fix=_insertion(reader, end, "{"))
        return _inside(reader, Token("{", "{", end, end, reader.last.line), depth - 1)
    _expected(reader, "a value")
    reader.closed_at = reader.index
    return Missing(end, end)


def _lacks_end(token: Token, following: Token) -> bool:
    """Return whether a key lacks its closing quote: it then ends at the quote of the next string."""
    return token.kind == "string" and following.kind == "word" and following.start == token.end


def _lacks_start(token: Token, following: Token) -> bool:
    """Return whether a word is a string without its opening quote: the closing one follows it."""
    is_quote = following.kind in ("string", "unterminated") and following.text.startswith('"')
    return token.kind == "word" and is_quote and following.start == token.end


def _without_start(reader: _Reader, token: Token) -> Missing:
    """Report a string without its opening quote, and skip to the next line."""
    word = Span(reader.source, token.start, token.end + 1)
    fix = [_insertion(reader, token.start, '"')] if _IDENTIFIER.fullmatch(token.text) else []
    _report(reader, catalogue.UNTERMINATED_STRING.at(word, help='start it with "', fix=fix))
    return _skip_line(reader, token)


def _unterminated_key(reader: _Reader, token: Token) -> Member:
    """Report a key without its closing quote, and skip to the next line."""
    start = Span(reader.source, token.start, token.start + len(token.text.split(":")[0]))
    _report(reader, catalogue.UNTERMINATED_STRING.at(start, help='end it with "'))
    missing = _skip_line(reader, token)
    return member_of(missing, missing)


def _skip_line(reader: _Reader, token: Token) -> Missing:
    """Skip to the next line: after a missing quote, strings start where they should end."""
    line_end = reader.source.text.find("\n", token.end)
    if line_end < 0:
        _give_up(reader)
    while reader.token.kind != "end" and reader.token.start < line_end:
        reader.take()
    reader.error_index = reader.index
    return Missing(token.start, token.end)


def _key(reader: _Reader, token: Token) -> Scalar | Missing:
    if token.kind != "word":
        return _scalar(reader, token)
    if not _IDENTIFIER.fullmatch(token.text):
        reader.index -= 1
        _expected(reader, "a key in double quotes")
        reader.index += 1
        return Missing(token.start, token.end)
    text = json.dumps(token.text, ensure_ascii=False)
    is_key = reader.token.text in (":", "=")
    _not_json(reader, token, "key without quotes", f"write {_short(text)}", text if is_key else None)
    return Scalar(token.text, token.start, token.end)


def _ends(reader: _Reader, opening: Token) -> bool:
    """Return whether an object or list ends here, after reporting a missing or wrong closing bracket."""
    closing = _CLOSING[opening.kind]
    if _is_dedented(reader, opening):
        found = f'the "{closing}" of an outer "{opening.kind}"' if reader.token.kind == closing else None
        _expected(reader, f'"{closing}"', found=found, opening=opening, fix=_closing(reader, opening))
        reader.closed_at = reader.index
        return True
    if reader.takes(closing):
        return True
    if reader.token.kind != "end" and not _is_closing(reader.token):
        return False
    _expected(reader, f'"{closing}"', opening=opening)
    reader.take()
    return True


def _is_closing(token: Token) -> bool:
    return token.kind in ("}", "]")


def _is_dedented(reader: _Reader, opening: Token) -> bool:
    """Return whether the indentation shows that the closing bracket is missing before the next token."""
    token, is_first = reader.token, opening is reader.tokens[0]
    if not reader.by_indentation or is_first or token.kind == "end" or not _starts_line(reader, token):
        return False
    inner, own, outer = (len(_indentation(reader, each)) for each in (reader.last, token, opening))
    return inner > own and (own < outer or (own == outer and not _is_closing(token)))


def _drop_stray(reader: _Reader, opening: Token) -> None:
    """Report and skip an extra closing bracket: one at the end of a line inside an object or list."""
    token = reader.token
    if not reader.by_indentation or not _is_closing(token) or _starts_line(reader, token):
        return
    is_on_line = "\n" not in reader.source.text[opening.end : token.start]
    if not is_on_line and len(_indentation(reader, token)) > len(_indentation(reader, opening)):
        help = "remove it: there is one bracket too many"
        # After another error, its opening bracket may be missing instead.
        fix = None if reader.errors else _in_place(reader, "")
        _expected(reader, '","', help=help, fix=fix)
        reader.take()


def _closing(reader: _Reader, opening: Token) -> Edit | None:
    """Return the edit that inserts a closing bracket, with a comma if needed."""
    last = reader.last
    if last.text == ",":
        return None
    comma = "," if reader.token.kind in _VALUES else ""
    is_longer = "\n" in reader.source.text[opening.end : last.end]
    line = f"\n{_indentation(reader, opening)}" if is_longer else ""
    return _insertion(reader, last.end, f"{line}{_CLOSING[opening.kind]}{comma}")


def _separator(reader: _Reader, opening: Token) -> None:
    """Skip the comma after a member or item; report a missing or trailing one."""
    if reader.closed_at == reader.index or _is_dedented(reader, opening):
        return
    _drop_stray(reader, opening)
    token, end = reader.token, reader.last.end
    if reader.takes(","):
        _drop_stray(reader, opening)
        if reader.token.kind == _CLOSING[opening.kind]:
            _not_json(reader, token, "trailing comma", "remove it", "")
    elif token.text == ";":
        _expected(reader, '","', fix=_in_place(reader, ","))
        reader.take()
    elif token.kind in _VALUES:
        is_apart = token.start > end or token.kind not in ("word", "quoted", "unterminated")
        fix = _insertion(reader, end, ",") if is_apart else None
        _expected(reader, f'"," or "{_CLOSING[opening.kind]}"', fix=fix)
