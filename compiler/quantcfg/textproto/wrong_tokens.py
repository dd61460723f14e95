"""A token that cannot stand where it stands: what is said of it, and how to read on."""

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
from quantcfg.textproto.loose_lexer import CLOSING, starts_field, surplus, unclosed

if TYPE_CHECKING:
    from lark import Token, UnexpectedCharacters, UnexpectedToken
    from lark.parsers.lalr_interactive_parser import InteractiveParser

_BRACKETED_LIKE = re.compile(r"\[[^\]\n]*\]?")
_BARE_WORD = re.compile(r"[^\s,;#\"'{}\[\]<>:()]+")
_NAME_IN_QUOTES = re.compile(
    rf"""(?P<quote>["'])(?P<name>{contracts.terminal("IDENT")})(?P=quote)[ \t]*(?=[:{{<])"""
)
_STARTS_WITH_A_KEY = re.compile(r"""\{\s*["}]""")
_DECIMAL_COMMA = re.compile(r"[0-9],[0-9]")

LIST_BRACKETS = 'write "[" and "]" around a list'
MESSAGE_BRACKETS = 'write "{" and "}" around the fields of a message'

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
    "$END": "the end of the text",
}


@frozen_value
class Piece:
    """A token that the parser is given in place of what stands in the text; without text, of nothing."""

    token: str
    text: str
    start: int
    end: int


@frozen_value
class Mistake:
    """A mistake in the syntax.

    Where resume is given, the parser goes on there after it was given the
    pieces. Else the field is lost, and what stands before skip_from with it.
    instead takes the place of the token before the mistake, which was misread.
    token is the name of the token that is wrong, empty if it is none.
    """

    diagnostic: Diagnostic
    token: str
    skip_from: int
    pieces: tuple[Piece, ...] = ()
    resume: int | None = None
    instead: Piece | None = None

    @property
    def span(self) -> Span:
        """Where it is."""
        return cast(Span, self.diagnostic.span)


@frozen_value
class Remedy:
    """What to do about a mistake, for people (help, fix) and for the parser (pieces, resume)."""

    help: str | None = None
    fix: tuple[Edit, ...] = ()
    pieces: tuple[Piece, ...] = ()
    resume: int | None = None


def nothing(start: int, end: int) -> Piece:
    """Return the piece for a value that cannot be read."""
    return Piece("IDENT", "", start, end)


def replaced(span: Span, token: str, text: str, help: str | None) -> Remedy:
    """Return the remedy of reading something as if another text stood there."""
    return Remedy(help, (Edit(span, text),), (Piece(token, text, span.start, span.end),), span.end)


def accepts(parser: InteractiveParser) -> set[str]:
    """Return the names of the tokens that a parser would take now."""
    return cast("set[str]", parser.accepts())  # type: ignore[no-untyped-call]


def last_token(error: UnexpectedToken | UnexpectedCharacters) -> Token | None:
    """Return the token before the one that is wrong, where lark knows it."""
    if error.token_history:
        return cast("Token | None", error.token_history[-1])
    stack = getattr(error.state, "value_stack", None)
    return stack[-1] if stack and hasattr(stack[-1], "end_pos") else None


def span_of(token: Token, span: Span) -> Span:
    """Return where a token stands, in the source of a span."""
    assert token.start_pos is not None
    assert token.end_pos is not None
    return Span(span.source, token.start_pos, token.end_pos)


def in_quotes(token: Token) -> str:
    """Return a token as a message names it."""
    text = quotable(token)
    return text if token.type == "STRING" else f'"{text}"'


def unexpected_token(error: UnexpectedToken, source: Source, *, is_first: bool) -> Mistake:
    """Return the error for a token that lark did not expect; is_first: nothing comes before it."""
    token, accepted = error.token, error.accepts
    span = _token_span(token, source)
    for special in (
        _malformed_name,
        _string_without_end,
        _bare_word,
        _name_taken_for_value,
        _value_before_message,
        _name_alone,
    ):
        mistake = special(error, span)
        if mistake:
            return mistake
    remedy = _remedy(error, span)
    skip_from = span.end if _continues_name(error, span) else span.start
    diagnostic = catalogue.SYNTAX.at(
        span,
        expected=" or ".join(_expected(accepted)),
        found="the end of the text" if token.type == "$END" else in_quotes(token),
        related=_brackets(error, span, is_first=is_first),
        help=remedy.help,
        fix=remedy.fix,
    )
    return Mistake(diagnostic, token.type, skip_from, remedy.pieces, remedy.resume)


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
    """Point at the bracket that is to blame where another one closes, or where the text ends."""
    text, kind = span.source.text, error.token.type
    is_in_list = "RSQB" in error.accepts and starts_field(text, span.start)
    if kind not in ("$END", "RBRACE", "MORETHAN", "RSQB") and not is_in_list:
        return
    opened = [value for value in error.state.value_stack if getattr(value, "type", None) in _CLOSES]
    if not opened:
        offset = surplus(text, span.end) if is_first else None
        if offset is not None and offset != span.start:
            yield Related(Span(span.source, offset, offset + 1), f'this "{text[offset]}" may be one too many')
    elif _CLOSES[opened[-1].type] != in_quotes(error.token):
        offset = None if is_in_list else _unclosed(text, span.end, opened, kind == "$END", is_first)
        blamed = span_of(opened[-1], span) if offset is None else Span(span.source, offset, offset + 1)
        yield Related(blamed, f'"{CLOSING[blamed.text]}" is missing for this one')


def _unclosed(text: str, end: int, opened: Sequence[Token], ends: bool, is_first: bool) -> int | None:
    """Return the bracket that indentation shows to be open, if it agrees with the parser.

    What the parser has not read, behind an earlier mistake, may have brackets too.
    """
    missing, rest = unclosed(text, end) if ends or is_first else ((), ())
    agrees = not ends or len(missing) + len(rest) == len(opened)
    return missing[0] if missing and agrees else None


# --- mistakes that are not where lark found them


def _malformed_name(error: UnexpectedToken, span: Span) -> Mistake | None:
    """Return that brackets hold no name of an extension: here, or before, where a section is meant."""
    last = last_token(error)
    if last and last.type == "BRACKETED" and "\n" in span.source.text[last.end_pos : span.start]:
        section = span_of(last, span)
        diagnostic = catalogue.MALFORMED_NAME.at(
            section, name=quotable(section.text), help="a text of this kind has no sections"
        )
        return Mistake(diagnostic, error.token.type, span.start)
    bracketed = _BRACKETED_LIKE.match(span.source.text, span.start)
    if bracketed and "BRACKETED" in error.accepts:
        span = Span(span.source, *bracketed.span())
        diagnostic = catalogue.MALFORMED_NAME.at(span, name=quotable(span.text))
        return Mistake(diagnostic, error.token.type, span.end)
    return None


def _string_without_end(error: UnexpectedToken, span: Span) -> Mistake | None:
    """Return that a string has no end of its own, but that of the next one, whose text then follows it."""
    # What stands in a list is a scalar in a subtree of lark's until the list ends.
    items = getattr(error.state.value_stack[-1], "children", None) if error.state.value_stack else None
    last = items[-1] if items else None
    if not isinstance(last, tree.String) or error.token.type not in _WORDS or last.end != span.start:
        return None
    whole = Span(span.source, last.parts[-1].start, last.end)
    string = Span(span.source, whole.start, whole.start + len(whole.text.split(",")[0]))
    line_end = span.source.text.find("\n", span.start)
    end = len(span.source.text) if line_end < 0 else line_end
    diagnostic = catalogue.UNTERMINATED_STRING.at(string, help=f"end it with {whole.text[0]}")
    return Mistake(diagnostic, "", end, instead=nothing(last.start, last.end))


def _bare_word(error: UnexpectedToken, span: Span) -> Mistake | None:
    """Return that a word goes on with what no word has: "batch-num", or a name that needs quotes."""
    last = last_token(error)
    if last is None or last.type not in _WORDS or last.end_pos != span.start:
        return None
    return bare_word(span, last, error.accepts) if error.token.type in _SCALAR_STARTS else None


def bare_word(span: Span, last: Token, accepted: Collection[str]) -> Mistake | None:
    """Return the mistake of a word that goes on, behind its first token, as no word does."""
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
            whole, character=sign, help=f'a name has "_" in place of {sign}', fix=fix
        )
        piece = Piece("IDENT", name, whole.start, whole.end)
        return Mistake(diagnostic, "", whole.end, resume=whole.end, instead=piece)
    quotes = f'"{whole.text}"'
    is_flag = re.sub(r"\W", "", whole.text) in ("true", "false")
    diagnostic = catalogue.UNEXPECTED_CHARACTER.at(
        whole,
        character=sign,
        help="leave it out" if is_flag else f"put a name in quotes: {quotable(quotes)}",
        fix=[] if is_flag else [Edit(whole, quotes)],
    )
    return Mistake(diagnostic, "", whole.end, resume=whole.end, instead=nothing(whole.start, whole.end))


def _name_taken_for_value(error: UnexpectedToken, span: Span) -> Mistake | None:
    """Return that a field has no value, where the name of the next one was read as its value."""
    last = last_token(error)
    if last is None or last.type != "IDENT" or error.token.type not in ("COLON", *_OPENINGS):
        return None
    before, _, line = span.source.text[: last.start_pos].rpartition("\n")
    if "COLON" in error.accepts or not before or line.strip():
        return None
    name = span_of(last, span)
    gap = _behind(error.state.value_stack[-2], name)
    diagnostic = catalogue.SYNTAX.at(gap, expected="a value", found=f"the next field, {in_quotes(last)}")
    at = name.start
    return Mistake(diagnostic, error.token.type, at, instead=nothing(at, at))


def _behind(value: object, otherwise: Span) -> Span:
    """Return the place behind a token, or another one where it is none."""
    end = getattr(value, "end_pos", None)
    return otherwise if end is None else Span(otherwise.source, end, end)


def _value_before_message(error: UnexpectedToken, span: Span) -> Mistake | None:
    """Return that a bracket is missing, where a field in the message was read as the value of the field."""
    last = last_token(error)
    if last is None or last.type != "IDENT" or error.token.type not in _OPENINGS or "COLON" in error.accepts:
        return None
    name = span_of(last, span)
    diagnostic = catalogue.SYNTAX.at(name, expected='"{"', found=in_quotes(last), help=MESSAGE_BRACKETS)
    return Mistake(diagnostic, "", span.start, instead=nothing(name.start, name.end))


def _name_alone(error: UnexpectedToken, span: Span) -> Mistake | None:
    """Return that a name stands alone; what it lacks is missed behind it, and not on a later line."""
    last = last_token(error)
    if last is None or last.type != "IDENT" or "COLON" not in error.accepts:
        return None
    text = span.source.text
    is_next = "\n" in text[last.end_pos : span.start] and starts_field(text, span.start)
    if error.token.type != "$END" and not is_next:
        return None
    gap = Span(span.source, last.end_pos or 0, last.end_pos or 0)
    ends = error.token.type == "$END"
    found = "the end of the text" if ends else f"the next field, {in_quotes(error.token)}"
    diagnostic = catalogue.SYNTAX.at(gap, expected='":" or "{"', found=found, help=_BEHIND_A_NAME)
    return Mistake(diagnostic, error.token.type, span.start)


_BEHIND_A_NAME = 'write ":" and a value behind the name of a field, or "{" and fields'


# --- mistakes that are where lark found them


def _continues_name(error: UnexpectedToken, span: Span) -> bool:
    """Tell whether a word stands behind the name of a field, on its line: more of the name, most likely."""
    last = last_token(error)
    return (
        "COLON" in error.accepts
        and error.token.type == "IDENT"
        and last is not None
        and "\n" not in span.source.text[last.end_pos : span.start]
    )


def _remedy(error: UnexpectedToken, span: Span) -> Remedy:
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
    return Remedy()


def _without_colon(error: UnexpectedToken, span: Span) -> Remedy:
    """Return the remedy for what stands behind the name of a field in place of ":"."""
    help = 'write ":" between the name of a field and its value'
    if error.token.type == "SEMICOLON" and not starts_field(span.source.text, span.end):
        return replaced(span, "COLON", ":", help)
    if starts_field(span.source.text, span.start):
        is_one_name = _continues_name(error, span)
        return Remedy('a name is one word, with "_" in place of blanks' if is_one_name else _BEHIND_A_NAME)
    return _inserted(error, span, "COLON", ":", help) if error.token.type in _SCALAR_STARTS else Remedy(help)


def _in_list(error: UnexpectedToken, span: Span) -> Remedy:
    token, accepted = error.token, error.accepts
    if token.type in _SCALAR_STARTS and "LBRACE" in accepted:
        return Remedy('a list of values needs ":" before it')
    if "COMMA" not in accepted or starts_field(span.source.text, span.start):
        return Remedy()
    if token.type in _SCALAR_STARTS:
        return _inserted(error, span, "COMMA", ",", None)
    if token.type == "SEMICOLON":
        return replaced(span, "COMMA", ",", 'write "," between the values of a list')
    return Remedy()


def _between_fields(error: UnexpectedToken, span: Span) -> Remedy:
    """Return the remedy for what stands where a field may start."""
    kind, text = error.token.type, span.source.text
    if kind in _OTHER_BRACKET:
        return _closed(kind, error.accepts, span)
    if kind == "RSQB":
        return Remedy(resume=span.end)
    if kind in ("SEMICOLON", "COMMA"):
        return _separator(kind, span)
    if kind == "LBRACE" and not text[: span.start].strip():
        is_json = _STARTS_WITH_A_KEY.match(text, span.start)
        named = "a text of this kind starts with the name of a field"
        return Remedy(f"this looks like JSON; {named}" if is_json else f"{named}, without braces around it")
    name = _NAME_IN_QUOTES.match(text, span.start)
    if name:
        return replaced(span, "IDENT", name["name"], "write the name of a field without quotes")
    if _DECIMAL_COMMA.fullmatch(text, span.start - 2, span.start + 1):
        return Remedy('a decimal number has ".", not ","')
    last = last_token(error)
    is_item = kind in _SCALAR_STARTS and last is not None and last.type == "COMMA"
    return Remedy(LIST_BRACKETS) if is_item else Remedy()


def _separator(kind: str, span: Span) -> Remedy:
    """Return the remedy for a separator of nothing: there is one too many, or it is meant as a comment."""
    text = span.source.text
    line_start = text.rfind("\n", 0, span.start) + 1
    if kind == "SEMICOLON" and not text[line_start : span.start].strip():
        line_end = text.find("\n", span.end)
        end = len(text) if line_end < 0 else line_end
        if text[span.end : end].strip() and not starts_field(text, span.end + 1):
            return Remedy('a comment starts with "#"', (Edit(span, "#"),), resume=end)
    return Remedy('one ";" or "," ends a field', (Edit(span, ""),), resume=span.end)


def _inserted(error: UnexpectedToken, span: Span, token: str, text: str, help: str | None) -> Remedy:
    """Return the remedy of putting a token in before one, right behind the token before it."""
    last = last_token(error)
    behind = Span(span.source, last.end_pos, last.end_pos) if last and last.end_pos is not None else None
    piece = Piece(token, text, span.start, span.start)
    return Remedy(help, (Edit(behind, text),) if behind else (), (piece,), span.start)


def _without_last_comma(error: UnexpectedToken, comma: Token, span: Span) -> Remedy:
    """Return the remedy of leaving out the comma before the end of a list."""
    at = (span.start, span.start)
    kinds = ("IDENT",) if "IDENT" in error.accepts else ("LBRACE", "RBRACE")
    return Remedy(
        "leave out the comma before it",
        (Edit(span_of(comma, span), ""),),
        tuple(Piece(kind, "", *at) for kind in kinds),
        span.start,
    )


def _closed(token: str, accepted: Collection[str], span: Span) -> Remedy:
    """Return the remedy for a wrong closing bracket: to take it for the right one, if one is open."""
    other = _OTHER_BRACKET[token]
    pieces = (Piece(other, span.text, span.start, span.end),) if other in accepted else ()
    return Remedy(pieces=pieces, resume=span.end)
