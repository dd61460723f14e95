"""JSON text to syntax tree, past all mistakes in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from quantcfg import limits
from quantcfg.diagnostics import Diagnostic, Edit, Report, catalogue, related
from quantcfg.diagnostics.suggestions import suggest
from quantcfg.files import has_other_content, without_byte_order_mark
from quantcfg.jsontext.bodies import DEPTH, without_bodies
from quantcfg.jsontext.json_tokens import Token, tokens
from quantcfg.jsontext.json_tree import Array, Member, Missing, Object, Scalar, Value
from quantcfg.jsontext.valid_json import valid_tree
from quantcfg.source import Source, Span

_WORDS = {"true": True, "false": False, "null": None}
_OTHER_WORDS = dict.fromkeys(("yes", "on"), "true") | dict.fromkeys(("no", "off"), "false") | {"none": "null"}
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$./-]*")
_OTHER_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?:0[xX](?P<hex>[0-9A-Fa-f]+)|0*(?P<whole>[0-9]*)\.?(?P<rest>[0-9]*))"
)
_STARTS_WITH_ZERO = re.compile(r"[+-]?0[0-9]")
_NO_NUMBERS = ("nan", "inf", "infinity")
_CLOSING = {"{": "}", "[": "]"}
_LONGEST_QUOTE = 40
_ONE_MISTAKE = 4
"""How many tokens behind a mistake on its line another one most likely follows from the first."""


def parse(source: Source, report: Report, *, wanted: str = "JSON") -> Value:
    """Return the syntax tree of a JSON text, after reporting what is wrong with its syntax.

    Valid text takes the fast path. In other text the indentation may show better
    than the brackets what was meant: the reading with fewer mistakes counts.
    wanted says in words what the text should be.
    """
    if has_other_content(source, report, wanted=wanted):
        return Missing(0, len(source.text))
    return valid_tree(source.text) or _parsed(source, report)


def _parsed(source: Source, report: Report) -> Value:
    """Return the same on the slow path."""
    text, bodies = without_bodies(without_byte_order_mark(source, lambda _: None))
    try:
        value, found = _best(source, text, bodies)
    except _TooDeepError:
        value, found = _best(source, without_byte_order_mark(source, lambda _: None), {})
    for diagnostic in found:
        report(diagnostic)
    return value


class _TooDeepError(Exception):
    """What is in a body may be nested too deep."""


def _best(source: Source, text: str, bodies: Mapping[int, Value]) -> tuple[Value, list[Diagnostic]]:
    """Return the tree with fewer mistakes, and these; text is the source without what is in bodies."""
    pieces = list(tokens(text))
    value, found = _read(source, pieces, bodies)
    if not found:
        return value, found
    readings = (_read(source, pieces, bodies, by_indentation=True), (value, found))
    return min(readings, key=lambda read: len(read[1]))


def _read(
    source: Source, pieces: Sequence[Token], bodies: Mapping[int, Value], *, by_indentation: bool = False
) -> tuple[Value, list[Diagnostic]]:
    found: list[Diagnostic] = []
    return _tree(_Reader(source, found.append, by_indentation, bodies), pieces), found


def _tree(reader: _Reader, pieces: Sequence[Token]) -> Value:
    without_byte_order_mark(reader.source, reader.report)
    for token in pieces:
        if token.kind == "comment":
            _comment(reader, token)
        else:
            reader.tokens.append(token)
    if reader.token.kind == "word" and reader.token.text not in _WORDS:
        # No JSON starts like this, and so what follows is no JSON either.
        _expected(reader, "a value")
        return Missing(reader.token.start, reader.token.end)
    value = _value(reader, 1)
    if reader.token.kind != "end":
        _expected(reader, "the end of the text")
    return value


def _comment(reader: _Reader, token: Token) -> None:
    span = _span(reader, token)
    if token.text.startswith("/*") and not token.text.endswith("*/"):
        # Whatever it hides is not missed.
        what, help = "unterminated comment", 'end it with "*/"'
        reader.report(catalogue.NOT_JSON.at(span, what=what, help=help))
        reader.gave_up = True
    else:
        edit = Edit(span, "")
        reader.report(catalogue.NOT_JSON.at(span, what="comment", help="remove it", fix=[edit]))


@dataclass
class _Reader:
    """Where the parser is in its tokens, and where its last mistake was.

    put_in is where the last closing bracket was put in.
    """

    source: Source
    report: Report
    by_indentation: bool
    bodies: Mapping[int, Value]
    tokens: list[Token] = field(default_factory=list)
    index: int = 0
    mistakes: int = 0
    mistake_index: int = -_ONE_MISTAKE
    put_in: int = -1
    gave_up: bool = False

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def take(self) -> Token:
        """Return the token, and go on to the next one."""
        token = self.token
        self.index = min(self.index + 1, len(self.tokens) - 1)
        return token

    def takes(self, text: str) -> bool:
        """Go past a token if it is this piece of punctuation; tell whether it is."""
        found = self.token.kind == "punctuation" and self.token.text == text
        if found:
            self.take()
        return found


def _indentation(reader: _Reader, token: Token) -> str:
    """Return the blanks that the line of a token starts with."""
    text = reader.source.text
    start = text.rfind("\n", 0, token.start) + 1
    return text[start : start + len(text[start : token.start]) - len(text[start : token.start].lstrip())]


def _starts_line(reader: _Reader, token: Token) -> bool:
    start = reader.source.text.rfind("\n", 0, token.start) + 1
    return start > 0 and not reader.source.text[start : token.start].strip()


def _span(reader: _Reader, token: Token) -> Span:
    return Span(reader.source, token.start, token.end)


def _report(reader: _Reader, diagnostic: Diagnostic) -> None:
    """Report a mistake, unless it only follows from the one before; after too many, go to the end."""
    assert diagnostic.span
    last = reader.tokens[max(reader.mistake_index, 0)]
    between = reader.source.text[last.end : diagnostic.span.start]
    follows = reader.index - reader.mistake_index < _ONE_MISTAKE and "\n" not in between
    if diagnostic.code != catalogue.NOT_JSON.code and not diagnostic.fix:
        # What was meant is not plain, and so it may not be what is read behind it.
        reader.mistake_index = reader.index
    if follows or reader.gave_up:
        return
    reader.mistakes += 1
    if reader.mistakes > limits.SYNTAX_MISTAKES:
        _give_up(reader, catalogue.TOO_MANY_MISTAKES.at(diagnostic.span, limit=limits.SYNTAX_MISTAKES))
    else:
        reader.report(diagnostic)


def _give_up(reader: _Reader, diagnostic: Diagnostic) -> None:
    """Report a last mistake, and go to the end."""
    reader.report(diagnostic)
    reader.gave_up = True
    reader.index = len(reader.tokens) - 1


def _expected(
    reader: _Reader,
    what: str,
    *,
    found: str | None = None,
    opening: Token | None = None,
    help: str | None = None,
    fix: Edit | None = None,
) -> None:
    token = reader.token
    found = found or ("the end of the text" if token.kind == "end" else _quoted(token))
    place = (
        related(_span(reader, opening), f'"{_CLOSING[opening.text]}" is missing for this one')
        if opening
        else ()
    )
    _report(
        reader,
        catalogue.JSON_SYNTAX.at(
            _span(reader, token),
            expected=what,
            found=found,
            related=place,
            help=help,
            fix=[fix] if fix else [],
        ),
    )


def _quoted(token: Token) -> str:
    if token.text in ("'", '"'):
        return "a quotation mark"
    text = _short(token.text)
    return text if text.startswith('"') else f'"{text}"'


def _not_json(reader: _Reader, token: Token, what: str, help: str, text: str | None) -> None:
    """Report a token that JSON does not have, and what is to be written in its place."""
    span = _span(reader, token)
    fix = [] if text is None else [Edit(span, text)]
    _report(reader, catalogue.NOT_JSON.at(span, what=what, help=help, fix=fix))


def _value(reader: _Reader, depth: int) -> Value:
    token = reader.token
    if token.text in ("{", "[") and depth > limits.NESTING:
        _give_up(reader, catalogue.TOO_DEEP.at(_span(reader, token), limit=limits.NESTING))
        return Missing(token.start, token.end)
    if token.kind == "punctuation" and token.text == "{":
        return _object(reader, depth)
    if token.kind == "punctuation" and token.text == "[":
        return _array(reader, depth)
    if token.kind not in _SCALARS:
        _expected(reader, "a value")
        if token.kind == "other":
            reader.take()
        return Missing(token.start, token.end)
    reader.take()
    if _lacks_start(reader, token):
        return _without_start(reader, token)
    reader.index -= 1
    value = _scalar(reader, token)
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


def _number(_: _Reader, token: Token) -> Scalar | Missing:
    return Scalar(_number_of(token.text), token.start, token.end)


def _number_of(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _quoted_string(reader: _Reader, token: Token) -> Scalar:
    text = json.dumps(token.text[1:-1].replace("\\'", "'"), ensure_ascii=False)
    quotes = "single" if token.kind == "quoted" else "curved"
    _not_json(reader, token, f"string in {quotes} quotes", f"write {text}", text)
    return Scalar(json.loads(text), token.start, token.end)


def _unended_string(reader: _Reader, token: Token) -> Missing:
    end = Span(reader.source, token.end, token.end)
    quote = token.text[0]
    fix = [Edit(end, quote)] if quote == '"' and len(token.text) > 1 else []
    _report(
        reader, catalogue.UNTERMINATED_STRING.at(_span(reader, token), help=f"end it with {quote}", fix=fix)
    )
    return Missing(token.start, token.end)


def _word(reader: _Reader, token: Token) -> Scalar | Missing:
    text = token.text
    if text in _WORDS:
        return Scalar(_WORDS[text], token.start, token.end)
    lower = text.lower()
    meant = lower if lower in _WORDS else _OTHER_WORDS.get(lower) or suggest(lower, _WORDS).slip
    number = _plain_number(text)
    if meant or number:
        # What starts with 0 may have lost its point.
        fix = None if _STARTS_WITH_ZERO.match(text) else meant or number
        _not_json(reader, token, f'"{text}"', f"write {meant or number}", fix)
        return Scalar(json.loads(meant or number or ""), token.start, token.end)
    if lower.strip("+-") in _NO_NUMBERS:
        _not_json(reader, token, f'"{text}"', "write a decimal number", None)
    elif _IDENTIFIER.fullmatch(text):
        begun = next((word for word in _WORDS if word.startswith(lower)), None)
        in_quotes = None if begun else json.dumps(text, ensure_ascii=False)
        help = f"write {begun}, if it is meant" if begun else "put it in double quotes"
        _not_json(reader, token, f'"{_short(text)}"', help, in_quotes)
    else:
        _expected(reader, "a value")
    return Missing(token.start, token.end)


def _plain_number(text: str) -> str | None:
    """Return a number as JSON writes it, if a text is one as other languages write it."""
    match = _OTHER_NUMBER.fullmatch(text)
    if match is None or not any(map(match.group, ("hex", "whole", "rest"))):
        return None
    sign = "-" if match["sign"] == "-" else ""
    if match["hex"]:
        return f"{sign}{int(match['hex'], 16)}"
    return f"{sign}{match['whole'] or 0}" + (f".{match['rest']}" if match["rest"] else "")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."


_SCALARS: dict[str, Callable[[_Reader, Token], Scalar | Missing]] = {
    "string": _string,
    "number": _number,
    "quoted": _quoted_string,
    "curved": _quoted_string,
    "unended": _unended_string,
    "word": _word,
}


# --- objects and lists


def _object(reader: _Reader, depth: int) -> Value:
    opening = reader.take()
    read = _members(reader, opening, depth)
    body = reader.bodies.get(opening.start)
    if body and depth + DEPTH > limits.NESTING:
        raise _TooDeepError
    return body or read


def _members(reader: _Reader, opening: Token, depth: int) -> Object:
    members: list[Member] = []
    while not _ends(reader, opening):
        if reader.token.text == "," and reader.token.kind == "punctuation":
            _extra_comma(reader)
        elif reader.token.kind in _SCALARS and reader.token.kind != "number":
            members.append(_member(reader, depth))
            _separator(reader, opening)
        else:
            _expected(reader, "a key in double quotes")
            _skip(reader, depth)
    return Object(tuple(members), opening.start, reader.tokens[reader.index - 1].end)


def _member(reader: _Reader, depth: int) -> Member:
    token = reader.take()
    if _lacks_start(reader, token):
        missing = _without_start(reader, token)
        return Member(missing, missing)
    if _lacks_end(reader, token):
        return _lost_member(reader, token)
    key = _key(reader, token)
    if reader.token.text == "=":
        _expected(reader, '":"', fix=Edit(_span(reader, reader.token), ":"))
        reader.take()
    elif not reader.takes(":"):
        edit = Edit(Span(reader.source, token.end, token.end), ":")
        _expected(reader, '":"', fix=edit if _starts_value(reader.token) else None)
    return Member(key, _value_of(reader, token, depth + 1))


def _value_of(reader: _Reader, key: Token, depth: int) -> Value:
    """Return the value behind a key; if the next key stands there, its bracket or all of it is missing."""
    following = reader.tokens[min(reader.index + 1, len(reader.tokens) - 1)]
    is_key = reader.token.kind == "string" and following.text == ":"
    if not (reader.by_indentation and is_key and _starts_line(reader, reader.token)):
        return _value(reader, depth)
    end = reader.tokens[reader.index - 1].end
    if len(_indentation(reader, reader.token)) > len(_indentation(reader, key)):
        _expected(reader, '"{"', fix=Edit(Span(reader.source, end, end), "{"))
        return _members(reader, Token("punctuation", "{", end, end), depth)
    _expected(reader, "a value")
    reader.put_in = reader.index
    return Missing(end, end)


def _lacks_end(reader: _Reader, token: Token) -> bool:
    """Tell whether a key has no end of its own, but that of the next string, whose text then follows it."""
    following = reader.token
    return token.kind == "string" and following.kind == "word" and following.start == token.end


def _lacks_start(reader: _Reader, token: Token) -> bool:
    """Tell whether a word is a string without its first quotation mark: the other one stands behind it."""
    following = reader.token
    is_quote = following.kind in ("string", "unended") and following.text.startswith('"')
    return token.kind == "word" and is_quote and following.start == token.end


def _without_start(reader: _Reader, token: Token) -> Missing:
    """Report a string without its first quotation mark, and go to the next line."""
    start = Span(reader.source, token.start, token.start)
    word = Span(reader.source, token.start, token.end + 1)
    edits = [Edit(start, '"')] if _IDENTIFIER.fullmatch(token.text) else []
    _report(reader, catalogue.UNTERMINATED_STRING.at(word, help='start it with "', fix=edits))
    _skip_line(reader, token)
    return Missing(token.start, token.end)


def _lost_member(reader: _Reader, token: Token) -> Member:
    """Report a key without an end, and go to the next line."""
    start = Span(reader.source, token.start, token.start + len(token.text.split(":")[0]))
    _report(reader, catalogue.UNTERMINATED_STRING.at(start, help='end it with "'))
    _skip_line(reader, token)
    missing = Missing(token.start, token.end)
    return Member(missing, missing)


def _skip_line(reader: _Reader, token: Token) -> None:
    """Go to the next line: on that of a token with a quotation mark too few, every string is upside down."""
    line_end = reader.source.text.find("\n", token.end)
    if line_end < 0:
        reader.gave_up = True
        line_end = len(reader.source.text)
    while reader.token.kind != "end" and reader.token.start < line_end:
        reader.take()
    reader.mistake_index = reader.index


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


def _array(reader: _Reader, depth: int) -> Array:
    opening = reader.take()
    items: list[Value] = []
    while not _ends(reader, opening):
        if reader.token.text == "," and reader.token.kind == "punctuation":
            _extra_comma(reader)
        elif _starts_value(reader.token):
            items.append(_value(reader, depth + 1))
            _separator(reader, opening)
        else:
            _expected(reader, 'a value or "]"', opening=opening)
            _skip(reader, depth)
    return Array(tuple(items), opening.start, reader.tokens[reader.index - 1].end)


def _ends(reader: _Reader, opening: Token) -> bool:
    """Tell whether what was opened ends here: by a closing bracket, its own or not, or with the text."""
    closing = _CLOSING[opening.text]
    if _is_left(reader, opening):
        found = f'the "{closing}" of an outer bracket' if reader.token.text == closing else None
        _expected(reader, f'"{closing}"', found=found, opening=opening, fix=_closing(reader, opening))
        reader.put_in = reader.index
        return True
    if reader.takes(closing):
        return True
    token = reader.token
    if token.kind == "end":
        _expected(reader, f'"{closing}"', opening=opening)
        return True
    if _is_closing(token):
        _expected(reader, f'"{closing}"', opening=opening)
        reader.take()
        return True
    return False


def _is_left(reader: _Reader, opening: Token) -> bool:
    """Tell whether the indentation shows that what was opened has ended before, without a bracket."""
    token, is_first = reader.token, opening is reader.tokens[0]
    if not reader.by_indentation or is_first or token.kind == "end" or not _starts_line(reader, token):
        return False
    before = reader.tokens[reader.index - 1]
    inner, own, outer = (len(_indentation(reader, each)) for each in (before, token, opening))
    return inner > own and (own < outer or (own == outer and not _is_closing(token)))


def _is_closing(token: Token) -> bool:
    return token.kind == "punctuation" and token.text in _CLOSING.values()


def _drop_stray(reader: _Reader, opening: Token) -> None:
    """Go past a closing bracket that is one too many: it stands at the end of a line within what is open."""
    token = reader.token
    if not reader.by_indentation or not _is_closing(token) or _starts_line(reader, token):
        return
    is_on_line = "\n" not in reader.source.text[opening.end : token.start]
    if not is_on_line and len(_indentation(reader, token)) > len(_indentation(reader, opening)):
        help = "leave it out: it is one bracket too many"
        # Behind another mistake, the bracket that it closes may be what is missing.
        fix = None if reader.mistakes else Edit(_span(reader, token), "")
        _expected(reader, '","', help=help, fix=fix)
        reader.take()


def _closing(reader: _Reader, opening: Token) -> Edit | None:
    """Return the edit that puts in a closing bracket, and the comma that belongs behind it."""
    last = reader.tokens[reader.index - 1]
    if last.text == ",":
        return None
    comma = "," if _starts_value(reader.token) else ""
    is_longer = "\n" in reader.source.text[opening.end : last.end]
    line = f"\n{_indentation(reader, opening)}" if is_longer else ""
    return Edit(Span(reader.source, last.end, last.end), f"{line}{_CLOSING[opening.text]}{comma}")


def _separator(reader: _Reader, opening: Token) -> None:
    """Go past the comma behind a member or an item; report a missing one, and one with nothing behind it."""
    if reader.put_in == reader.index or _is_left(reader, opening):
        return
    _drop_stray(reader, opening)
    comma = reader.token
    if reader.takes(","):
        _drop_stray(reader, opening)
        if reader.token.kind == "punctuation" and reader.token.text == _CLOSING[opening.text]:
            _not_json(reader, comma, "trailing comma", "remove it", "")
    elif comma.text == ";":
        _expected(reader, '","', fix=Edit(_span(reader, reader.token), ","))
        reader.take()
    elif _starts_value(reader.token):
        end = reader.tokens[reader.index - 1].end
        is_apart = reader.token.start > end or reader.token.kind not in ("word", "quoted", "unended")
        fix = Edit(Span(reader.source, end, end), ",") if is_apart else None
        _expected(reader, f'"," or "{_CLOSING[opening.text]}"', fix=fix)


def _extra_comma(reader: _Reader) -> None:
    _expected(reader, "a value or a key", help="remove the comma", fix=Edit(_span(reader, reader.token), ""))
    reader.take()


def _starts_value(token: Token) -> bool:
    return token.kind in _SCALARS or (token.kind == "punctuation" and token.text in _CLOSING)


def _skip(reader: _Reader, depth: int) -> None:
    """Go past what cannot be part of an object or a list: a whole value, or one token."""
    if _starts_value(reader.token):
        _value(reader, depth + 1)
    else:
        reader.take()
