"""Errors for unexpected tokens: the diagnostic, and how the parser continues."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from quantcfg import contracts
from quantcfg.diagnostics import Diagnostic, Edit, Related, catalogue
from quantcfg.frozen import frozen_value
from quantcfg.source import Source, Span
from quantcfg.textproto import tree
from quantcfg.textproto.literals import quotable
from quantcfg.textproto.loose_lexer import starts_field, surplus, unclosed

if TYPE_CHECKING:
    from lark import Token, UnexpectedCharacters, UnexpectedToken
    from lark.parsers.lalr_interactive_parser import InteractiveParser

_BRACKETED_LIKE = re.compile(r"\[[^\]\n]*\]?")
_BARE_WORD = re.compile(r"[^\s,;#\"'{}\[\]<>:()]+")
_NAME_IN_QUOTES = re.compile(
    rf"""(?P<quote>["'])(?P<name>{contracts.terminal("IDENT")})(?P=quote)[ \t]*(?=[:{{<])"""
)
_STARTS_WITH_A_KEY = re.compile(r"""\{\s*["}]""")
_CONFIGURATION_KEY = re.compile(r'"(?:version|activation_offset|quant_enable)"[ \t\n]*:')
_DECIMAL_COMMA = re.compile(r"[0-9],[0-9]")

LIST_BRACKETS = 'write "[" and "]" around a list'
MESSAGE_BRACKETS = 'write "{" and "}" around the fields of a message'
_CONFIGURATION = 'this is a JSON configuration: "quantcfg check" checks it, "quantcfg decompile" converts it'

_SCALAR_STARTS = ("STRING", "MINUS", "IDENT", "NUMBER")
_WORDS = ("IDENT", "NUMBER")
_OPENINGS = ("LBRACE", "LESSTHAN")
_CLOSES = {"LBRACE": '"}"', "LESSTHAN": '">"', "LSQB": '"]"'}
_OTHER_BRACKET = {"RBRACE": "MORETHAN", "MORETHAN": "RBRACE"}
_PUNCTUATION = {
    "COLON": '":"',
    "COMMA": '","',
    "LBRACE": '"{"',
    "RBRACE": '"}"',
    "MORETHAN": '">"',
    "RSQB": '"]"',
    "$END": "the end of the file",
}


@frozen_value
class NewToken:
    """A token that the recovery feeds to the parser; with empty text, a missing value."""

    kind: str
    text: str
    start: int
    end: int


@frozen_value
class ParseError:
    """A syntax error and how to recover from it.

    With resume, the parser is fed the inserted tokens and continues there.
    Otherwise the field is dropped, with the text up to skip_from. replacement
    replaces the token before the error. kind is the kind of the unexpected token,
    or empty.
    """

    diagnostic: Diagnostic
    kind: str
    skip_from: int
    inserted: tuple[NewToken, ...] = ()
    resume: int | None = None
    replacement: NewToken | None = None

    @property
    def span(self) -> Span:
        """The span of the diagnostic."""
        return cast(Span, self.diagnostic.span)


@frozen_value
class Repair:
    """How to repair an error: for the user (help, fix) and for the parser (inserted, resume)."""

    help: str | None = None
    fix: tuple[Edit, ...] = ()
    inserted: tuple[NewToken, ...] = ()
    resume: int | None = None


def missing(start: int, end: int) -> NewToken:
    """Return the token for a value that cannot be parsed."""
    return NewToken("IDENT", "", start, end)


def replaced(span: Span, kind: str, text: str, help: str | None) -> Repair:
    """Return the repair that replaces a span by one token."""
    return Repair(help, (Edit(span, text),), (NewToken(kind, text, span.start, span.end),), span.end)


def accepts(parser: InteractiveParser) -> set[str]:
    """Return the kinds of tokens that the parser accepts next."""
    return cast("set[str]", parser.accepts())  # type: ignore[no-untyped-call]


def last_token(error: UnexpectedToken | UnexpectedCharacters) -> Token | None:
    """Return the token before the error, if lark knows it."""
    if error.token_history:
        return cast("Token | None", error.token_history[-1])
    stack = getattr(error.state, "value_stack", None)
    return stack[-1] if stack and hasattr(stack[-1], "end_pos") else None


def span_of(token: Token, span: Span) -> Span:
    """Return the span of a token, in the source of another span."""
    assert token.start_pos is not None
    assert token.end_pos is not None
    return Span(span.source, token.start_pos, token.end_pos)


def quoted_token(token: Token) -> str:
    """Return a token in quotes, for a message."""
    text = quotable(token)
    return text if token.type == "STRING" else f'"{text}"'


def unexpected_token(error: UnexpectedToken, source: Source, *, is_first: bool) -> ParseError:
    """Describe an unexpected token; is_first is whether it is the first error of the source."""
    token, accepted = error.token, error.accepts
    span = _token_span(token, source)
    for describe in (
        _malformed_name,
        _string_without_end,
        _bare_word,
        _name_as_value,
        _value_before_message,
        _name_alone,
    ):
        if found := describe(error, span):
            return found
    repair = _repair(error, span)
    skip_from = span.end if _continues_name(error, span) else span.start
    diagnostic = catalogue.SYNTAX.at(
        span,
        expected=" or ".join(_expected(accepted)),
        found="the end of the file" if token.type == "$END" else quoted_token(token),
        related=_brackets(error, span, is_first=is_first),
        help=repair.help,
        fix=repair.fix,
    )
    return ParseError(diagnostic, token.type, skip_from, repair.inserted, repair.resume)


def _token_span(token: Token, source: Source) -> Span:
    if token.type == "$END":
        end = len(source.text.rstrip())
        return Span(source, end, end)
    return span_of(token, Span(source, 0, 0))


def _expected(accepted: Collection[str]) -> Iterator[str]:
    if "BRACKETED" in accepted:
        yield "a field name"
    elif "STRING" in accepted:
        yield "a value"
    elif "NUMBER" in accepted:
        yield "a number"
    for terminal, words in _PUNCTUATION.items():
        if terminal in accepted and not (terminal == "LBRACE" and "STRING" in accepted):
            yield words


def _brackets(error: UnexpectedToken, span: Span, *, is_first: bool) -> Iterator[Related]:
    """Point at the unmatched bracket that causes an error at a closing bracket or at the end."""
    text, kind = span.source.text, error.token.type
    is_in_list = "RSQB" in error.accepts and starts_field(text, span.start)
    if kind not in ("$END", "RBRACE", "MORETHAN", "RSQB") and not is_in_list:
        return
    opened = [value for value in error.state.value_stack if getattr(value, "type", None) in _CLOSES]
    if not opened:
        offset = surplus(text, span.end) if is_first else None
        if offset is not None and offset != span.start:
            yield Related(Span(span.source, offset, offset + 1), f'this "{text[offset]}" may be extra')
    elif _CLOSES[opened[-1].type] != quoted_token(error.token):
        offset = None if is_in_list else _unclosed(text, span.end, opened, kind == "$END", is_first)
        blamed = span_of(opened[-1], span) if offset is None else Span(span.source, offset, offset + 1)
        yield Related(blamed, f'this "{blamed.text}" is never closed')


def _unclosed(text: str, end: int, opened: Sequence[Token], ends: bool, is_first: bool) -> int | None:
    """Return the bracket that is unclosed by indentation, if the parser counts as many open ones.

    After an earlier error, the parser may have skipped brackets.
    """
    missing, rest = unclosed(text, end) if ends or is_first else ((), ())
    agrees = not ends or len(missing) + len(rest) == len(opened)
    return missing[0] if missing and agrees else None


# --- errors that are before the token that lark reports


def _malformed_name(error: UnexpectedToken, span: Span) -> ParseError | None:
    """Match brackets without a valid extension name, or a section header on an earlier line."""
    last = last_token(error)
    if last and last.type == "BRACKETED" and "\n" in span.source.text[last.end_pos : span.start]:
        section = span_of(last, span)
        diagnostic = catalogue.MALFORMED_NAME.at(
            section, name=quotable(section.text), help="remove it: protobuf text format has no sections"
        )
        return ParseError(diagnostic, error.token.type, span.start)
    bracketed = _BRACKETED_LIKE.match(span.source.text, span.start)
    if bracketed and "BRACKETED" in error.accepts:
        span = Span(span.source, *bracketed.span())
        diagnostic = catalogue.MALFORMED_NAME.at(span, name=quotable(span.text))
        return ParseError(diagnostic, error.token.type, span.end)
    return None


def _string_without_end(error: UnexpectedToken, span: Span) -> ParseError | None:
    """Match a string that ends at the opening quote of the next one, whose content follows as a word."""
    # Inside a list, the values are in a subtree of lark's until the list ends.
    items = getattr(error.state.value_stack[-1], "children", None) if error.state.value_stack else None
    last = items[-1] if items else None
    if not isinstance(last, tree.String) or error.token.type not in _WORDS or last.end != span.start:
        return None
    whole = Span(span.source, last.parts[-1].start, last.end)
    string = Span(span.source, whole.start, whole.start + len(whole.text.split(",")[0]))
    line_end = span.source.text.find("\n", span.start)
    end = len(span.source.text) if line_end < 0 else line_end
    diagnostic = catalogue.UNTERMINATED_STRING.at(string, help=f"add the closing {whole.text[0]}")
    return ParseError(diagnostic, "", end, replacement=missing(last.start, last.end))


def _bare_word(error: UnexpectedToken, span: Span) -> ParseError | None:
    """Match a word with a character that is not allowed in words, such as "batch-num"."""
    last = last_token(error)
    if last is None or last.type not in _WORDS or last.end_pos != span.start:
        return None
    return bare_word(span, last, error.accepts) if error.token.type in _SCALAR_STARTS else None


def bare_word(span: Span, last: Token, accepted: Collection[str]) -> ParseError | None:
    """Describe a word that continues, after its first token, with an invalid character."""
    text, start = span.source.text, last.start_pos
    match = _BARE_WORD.match(text, start or 0)
    if match is None or start is None or match.end() <= span.start or not last[0].isalpha():
        return None
    whole = Span(span.source, start, match.end())
    sign = f'"{text[span.start]}"'
    if "COLON" in accepted:
        name = re.sub(r"\W", "_", whole.text, flags=re.ASCII)
        fix = [Edit(whole, name)]
        diagnostic = catalogue.UNEXPECTED_CHARACTER.at(
            whole, character=sign, help=f'write "_" instead of {sign}', fix=fix
        )
        word = NewToken("IDENT", name, whole.start, whole.end)
        return ParseError(diagnostic, "", whole.end, resume=whole.end, replacement=word)
    quotes = f'"{whole.text}"'
    is_flag = re.sub(r"\W", "", whole.text) in ("true", "false")
    diagnostic = catalogue.UNEXPECTED_CHARACTER.at(
        whole,
        character=sign,
        help="remove it" if is_flag else f"put it in quotes: {quotable(quotes)}",
        fix=[] if is_flag else [Edit(whole, quotes)],
    )
    return ParseError(
        diagnostic, "", whole.end, resume=whole.end, replacement=missing(whole.start, whole.end)
    )


def _name_as_value(error: UnexpectedToken, span: Span) -> ParseError | None:
    """Match a field without a value, so that the name of the next field was parsed as its value."""
    last = last_token(error)
    if last is None or last.type != "IDENT" or error.token.type not in ("COLON", *_OPENINGS):
        return None
    before, _, line = span.source.text[: last.start_pos].rpartition("\n")
    if "COLON" in error.accepts or not before or line.strip():
        return None
    name = span_of(last, span)
    gap = _after(error.state.value_stack[-2], name)
    diagnostic = catalogue.SYNTAX.at(gap, expected="a value", found=f"the next field, {quoted_token(last)}")
    at = name.start
    return ParseError(diagnostic, error.token.type, at, replacement=missing(at, at))


def _after(value: object, otherwise: Span) -> Span:
    """Return the empty span after a token, or a default if the value is not a token."""
    end = getattr(value, "end_pos", None)
    return otherwise if end is None else Span(otherwise.source, end, end)


def _value_before_message(error: UnexpectedToken, span: Span) -> ParseError | None:
    """Match a message without its opening bracket, so that its first field was parsed as a value."""
    last = last_token(error)
    if last is None or last.type != "IDENT" or error.token.type not in _OPENINGS or "COLON" in error.accepts:
        return None
    name = span_of(last, span)
    diagnostic = catalogue.SYNTAX.at(name, expected='"{"', found=quoted_token(last), help=MESSAGE_BRACKETS)
    return ParseError(diagnostic, "", span.start, replacement=missing(name.start, name.end))


def _name_alone(error: UnexpectedToken, span: Span) -> ParseError | None:
    """Match a field name without a value; the error is right after the name, not on a later line."""
    last = last_token(error)
    if last is None or last.type != "IDENT" or "COLON" not in error.accepts:
        return None
    text = span.source.text
    is_next = "\n" in text[last.end_pos : span.start] and starts_field(text, span.start)
    if error.token.type != "$END" and not is_next:
        return None
    gap = Span(span.source, last.end_pos or 0, last.end_pos or 0)
    ends = error.token.type == "$END"
    found = "the end of the file" if ends else f"the next field, {quoted_token(error.token)}"
    diagnostic = catalogue.SYNTAX.at(gap, expected='":" or "{"', found=found, help=_AFTER_NAME)
    return ParseError(diagnostic, error.token.type, span.start)


_AFTER_NAME = 'write ":" and a value, or "{" and fields, after the field name'


# --- errors at the token that lark reports


def _continues_name(error: UnexpectedToken, span: Span) -> bool:
    """Return whether a word follows a field name on the same line, and is probably part of the name."""
    last = last_token(error)
    return (
        "COLON" in error.accepts
        and error.token.type == "IDENT"
        and last is not None
        and "\n" not in span.source.text[last.end_pos : span.start]
    )


def _repair(error: UnexpectedToken, span: Span) -> Repair:
    token, accepted = error.token, error.accepts
    if "COLON" in accepted:
        return _without_colon(error, span)
    if "RSQB" in accepted:
        return _in_list(error, span)
    if "BRACKETED" in accepted:
        return _between_fields(error, span)
    last = last_token(error)
    if token.type == "RSQB" and last and last.type == "COMMA":
        return _without_last_comma(error, last, span)
    return Repair()


def _without_colon(error: UnexpectedToken, span: Span) -> Repair:
    """Repair a missing ":" after a field name."""
    help = 'write ":" between the field name and its value'
    if error.token.type == "SEMICOLON" and not starts_field(span.source.text, span.end):
        return replaced(span, "COLON", ":", help)
    if starts_field(span.source.text, span.start):
        one_word = 'write the field name as one word, with "_" instead of spaces'
        return Repair(one_word if _continues_name(error, span) else _AFTER_NAME)
    return _insert(error, span, "COLON", ":", help) if error.token.type in _SCALAR_STARTS else Repair(help)


def _in_list(error: UnexpectedToken, span: Span) -> Repair:
    token, accepted = error.token, error.accepts
    if token.type in _SCALAR_STARTS and "LBRACE" in accepted:
        return Repair('write ":" before the list')
    if "COMMA" not in accepted or starts_field(span.source.text, span.start):
        return Repair()
    if token.type in _SCALAR_STARTS:
        return _insert(error, span, "COMMA", ",", None)
    if token.type == "SEMICOLON":
        return replaced(span, "COMMA", ",", 'write "," between the values of a list')
    return Repair()


def _between_fields(error: UnexpectedToken, span: Span) -> Repair:
    """Repair an unexpected token where a field may start."""
    kind, text = error.token.type, span.source.text
    if kind in _OTHER_BRACKET:
        return _closed(kind, error.accepts, span)
    if kind == "RSQB":
        return Repair(resume=span.end)
    if kind in ("SEMICOLON", "COMMA"):
        return _separator(kind, span)
    if kind == "LBRACE" and not text[: span.start].strip():
        is_json = _STARTS_WITH_A_KEY.match(text, span.start)
        unwrap = "remove the braces: protobuf text format starts with a field name"
        if is_json and _CONFIGURATION_KEY.search(text):
            return Repair(_CONFIGURATION)
        return Repair("write protobuf text format, not JSON" if is_json else unwrap)
    name = _NAME_IN_QUOTES.match(text, span.start)
    if name:
        return replaced(span, "IDENT", name["name"], "remove the quotes around the field name")
    if _DECIMAL_COMMA.fullmatch(text, span.start - 2, span.start + 1):
        return Repair('write "." instead of ","')
    last = last_token(error)
    is_item = kind in _SCALAR_STARTS and last is not None and last.type == "COMMA"
    return Repair(LIST_BRACKETS) if is_item else Repair()


def _separator(kind: str, span: Span) -> Repair:
    """Repair an extra separator, which may be meant as the start of a comment."""
    text = span.source.text
    line_start = text.rfind("\n", 0, span.start) + 1
    if kind == "SEMICOLON" and not text[line_start : span.start].strip():
        line_end = text.find("\n", span.end)
        end = len(text) if line_end < 0 else line_end
        if text[span.end : end].strip() and not starts_field(text, span.end + 1):
            return Repair('start a comment with "#"', (Edit(span, "#"),), resume=end)
    return Repair('remove it: one ";" or "," ends a field', (Edit(span, ""),), resume=span.end)


def _insert(error: UnexpectedToken, span: Span, kind: str, text: str, help: str | None) -> Repair:
    """Return the repair that inserts a token right after the previous one."""
    last = last_token(error)
    after = Span(span.source, last.end_pos, last.end_pos) if last and last.end_pos is not None else None
    new = NewToken(kind, text, span.start, span.start)
    return Repair(help, (Edit(after, text),) if after else (), (new,), span.start)


def _without_last_comma(error: UnexpectedToken, comma: Token, span: Span) -> Repair:
    """Return the repair that removes the comma before the end of a list."""
    at = (span.start, span.start)
    kinds = ("IDENT",) if "IDENT" in error.accepts else ("LBRACE", "RBRACE")
    return Repair(
        "remove the comma before it",
        (Edit(span_of(comma, span), ""),),
        tuple(NewToken(kind, "", *at) for kind in kinds),
        span.start,
    )


def _closed(kind: str, accepted: Collection[str], span: Span) -> Repair:
    """Return the repair that reads a wrong closing bracket as the right one, if that is open."""
    other = _OTHER_BRACKET[kind]
    inserted = (NewToken(other, span.text, span.start, span.end),) if other in accepted else ()
    return Repair(inserted=inserted, resume=span.end)
