"""What the parser stumbled over, in words, and what would mend it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from unicodedata import category, normalize
from unicodedata import name as name_of_character

from quantcfg.diagnostics import Diagnostic, Edit, Related, catalogue
from quantcfg.source import Source, Span
from quantcfg.textproto.literals import quotable
from quantcfg.textproto.scan import starts_field

if TYPE_CHECKING:
    from lark import Token, UnexpectedInput, UnexpectedToken
    from lark.parsers.lalr_interactive_parser import InteractiveParser

_NUMBER_LIKE = re.compile(r"\.?[0-9](?:[eE][+-]|[0-9A-Za-z_.])*")
_STRING_UP_TO_NUL = re.compile(r"""(?:"(?:[^"\\\n\0]|\\[^\n\0])*+|'(?:[^'\\\n\0]|\\[^\n\0])*+)\\?(?=\0)""")
_BRACKETED_LIKE = re.compile(r"\[[^\]\n]*\]?")
_REST_OF_LINE = re.compile(r"[^\r\n]*")
_REST_IN_NEXT_LINE = {quote: re.compile(rf"\r?\n[^{quote}\n:{{}}]*{quote}") for quote in "\"'"}
_UNENDED_WORD = re.compile(r"""["'][^\s"'{}<>\[\],;#]*""")
_NOTHING_MORE = re.compile(r"[ \t}>\],;]*(?:#.*)?")
_TYPOGRAPHIC_STRING = re.compile(
    r"""[\u201c\u201d\u201e\u00ab](?P<double>[^\u201c\u201d\u00bb"\\\n]*)[\u201c\u201d\u00bb]
      | [\u2018\u2019](?P<single>[^\u2018\u2019'\\\n]*)[\u2018\u2019]""",
    re.VERBOSE,
)

_SCALAR_STARTS = ("STRING", "MINUS", "IDENT", "DEC_INT", "OCT_INT", "HEX_INT", "FLOAT")
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
_TOKENS = {":": "COLON", "=": "COLON", ",": "COMMA", ";": "COMMA", "{": "LBRACE", "}": "RBRACE"} | {
    "<": "LESSTHAN",
    ">": "MORETHAN",
    "[": "LSQB",
    "]": "RSQB",
}
_MEANT = {"=": ":", ";": ","}
_TYPOGRAPHIC_QUOTES = dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"') | dict.fromkeys(
    "\u2018\u2019", "'"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A token that the parser is given in place of what stands in the text; without text, of nothing."""

    token: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake in the syntax: what is said of it, and how to read on.

    Where resume is given, the parser goes on there after it was given the
    pieces; where it took_name, a name for a value, without that one. Else the
    field is lost, and what stands before skip_from with it. token is the name
    of the token that is wrong, empty if it is none.
    """

    diagnostic: Diagnostic
    token: str
    skip_from: int
    pieces: tuple[Piece, ...] = ()
    resume: int | None = None
    took_name: bool = False

    @property
    def span(self) -> Span:
        """Where it is."""
        return cast(Span, self.diagnostic.span)


@dataclass(frozen=True, slots=True)
class _Remedy:
    """What to do about a mistake, for people (help, fix) and for the parser (pieces, resume)."""

    help: str | None = None
    fix: tuple[Edit, ...] = ()
    pieces: tuple[Piece, ...] = ()
    resume: int | None = None


def accepts(parser: InteractiveParser) -> set[str]:
    """Return the names of the tokens that a parser would take now."""
    return cast("set[str]", parser.accepts())  # type: ignore[no-untyped-call]


def describe(error: UnexpectedInput, source: Source) -> Mistake:
    """Return what is wrong where lark found an error."""
    from lark import UnexpectedCharacters, UnexpectedToken

    if isinstance(error, UnexpectedToken):
        return _unexpected_token(error, source)
    assert isinstance(error, UnexpectedCharacters)
    assert error.pos_in_stream is not None
    return _unexpected_character(source, error.pos_in_stream, accepts(error.interactive_parser))


# --- a token that cannot stand where it stands


def _unexpected_token(error: UnexpectedToken, source: Source) -> Mistake:
    token, accepted = error.token, error.accepts
    span = _token_span(token, source)
    bracketed = _BRACKETED_LIKE.match(source.text, span.start)
    if bracketed and "BRACKETED" in accepted:
        span = Span(source, *bracketed.span())
        malformed = catalogue.MALFORMED_NAME.at(span, name=quotable(span.text))
        return Mistake(malformed, token.type, span.end)
    name = _name_taken_for_value(error, source)
    if name is not None:
        span = _token_span(name, source)
        diagnostic = catalogue.SYNTAX.at(span, expected="a value", found=_quoted(name))
        return Mistake(diagnostic, token.type, span.start, resume=span.start, took_name=True)
    found = "the end of the text" if token.type == "$END" else _quoted(token)
    remedy = _remedy(error, span)
    diagnostic = catalogue.SYNTAX.at(
        span,
        expected=" or ".join(_expected(accepted)),
        found=found,
        related=_opened(error, source),
        help=remedy.help,
        fix=remedy.fix,
    )
    skip_from = span.end if _continues_name(error, span) else span.start
    return Mistake(diagnostic, token.type, skip_from, remedy.pieces, remedy.resume)


def _token_span(token: Token, source: Source) -> Span:
    if token.type == "$END":
        end = len(source.text.rstrip())
        return Span(source, end, end)
    assert token.start_pos is not None
    assert token.end_pos is not None
    return Span(source, token.start_pos, token.end_pos)


def _expected(accepted: Collection[str]) -> Iterator[str]:
    if "BRACKETED" in accepted:
        yield "a field name"
    elif "STRING" in accepted:
        yield "a value"
    elif "DEC_INT" in accepted:
        yield "a number"
    for terminal, words in _PUNCTUATION.items():
        if terminal in accepted and not (terminal == "LBRACE" and "STRING" in accepted):
            yield words


def _opened(error: UnexpectedToken, source: Source) -> Iterator[Related]:
    """Point at the bracket that is open where another one closes, or where the text ends."""
    from lark import Token

    if error.token.type not in ("$END", "RBRACE", "MORETHAN", "RSQB"):
        return
    for value in reversed(error.state.value_stack):
        if isinstance(value, Token) and value.type in _CLOSES:
            closing = _CLOSES[value.type]
            if closing != _quoted(error.token):
                yield Related(_token_span(value, source), f"{closing} is missing for this one")
            return


def _name_taken_for_value(error: UnexpectedToken, source: Source) -> Token | None:
    """Return the name at the start of a line that was read as the value which the field before it lacks."""
    last = _last(error)
    if last is None or last.type != "IDENT" or error.token.type not in ("COLON", "LBRACE", "LESSTHAN"):
        return None
    before = source.text[: last.start_pos].rpartition("\n")
    return last if "COLON" not in error.accepts and before[1] and not before[2].strip() else None


def _continues_name(error: UnexpectedToken, span: Span) -> bool:
    """Tell whether a word stands behind the name of a field, on its line: more of the name, most likely."""
    last = _last(error)
    return (
        "COLON" in error.accepts
        and error.token.type == "IDENT"
        and last is not None
        and "\n" not in span.source.text[last.end_pos : span.start]
    )


def _last(error: UnexpectedToken) -> Token | None:
    """Return the token before the one that is wrong, where lark knows it."""
    return cast("Token | None", error.token_history[-1]) if error.token_history else None


def _remedy(error: UnexpectedToken, span: Span) -> _Remedy:
    token, accepted = error.token, error.accepts
    is_value = token.type in _SCALAR_STARTS and not starts_field(span.source.text, span.start)
    if "COLON" in accepted and token.type != "$END":
        help = 'write ":" between the name of a field and its value'
        return _inserted(error, span, "COLON", ":", help) if is_value else _Remedy(help)
    if "COMMA" in accepted and "RSQB" in accepted and is_value:
        return _inserted(error, span, "COMMA", ",", None)
    if token.type in _SCALAR_STARTS and "LBRACE" in accepted and "RSQB" in accepted:
        return _Remedy('a list of values needs ":" before it')
    if token.type == "SEMICOLON" and "COMMA" in accepted:
        return _replaced(span, "COMMA", ",", 'write "," between the values of a list')
    if token.type in ("SEMICOLON", "COMMA") and "BRACKETED" in accepted:
        return _Remedy('one ";" or "," ends a field', (Edit(span, ""),), resume=span.end)
    last = _last(error)
    if token.type == "RSQB" and last and last.type == "COMMA":
        return _without_last_comma(error, last, span)
    if token.type == "LBRACE" and not span.source.text[: span.start].strip():
        return _Remedy("this looks like JSON; a text of this kind starts with the name of a field")
    if token.type in _OTHER_BRACKET and "BRACKETED" in accepted:
        return _closed(token.type, accepted, span)
    if token.type == "RSQB" and "BRACKETED" in accepted:
        return _Remedy(resume=span.end)
    return _Remedy()


def _inserted(error: UnexpectedToken, span: Span, token: str, text: str, help: str | None) -> _Remedy:
    """Return the remedy of putting a token in before one, right behind the token before it."""
    last = _last(error)
    behind = Span(span.source, last.end_pos, last.end_pos) if last and last.end_pos is not None else None
    piece = Piece(token, text, span.start, span.start)
    return _Remedy(help, (Edit(behind, text),) if behind else (), (piece,), span.start)


def _replaced(span: Span, token: str, text: str, help: str | None) -> _Remedy:
    """Return the remedy of reading something as if another text stood there."""
    return _Remedy(help, (Edit(span, text),), (Piece(token, text, span.start, span.end),), span.end)


def _without_last_comma(error: UnexpectedToken, comma: Token, span: Span) -> _Remedy:
    """Return the remedy of leaving out the comma before the end of a list."""
    at = (span.start, span.start)
    kinds = ("IDENT",) if "IDENT" in error.accepts else ("LBRACE", "RBRACE")
    return _Remedy(
        "leave out the comma before it",
        (Edit(_token_span(comma, span.source), ""),),
        tuple(Piece(kind, "", *at) for kind in kinds),
        span.start,
    )


def _closed(token: str, accepted: Collection[str], span: Span) -> _Remedy:
    """Return the remedy for a wrong closing bracket: to take it for the right one, if one is open."""
    other = _OTHER_BRACKET[token]
    pieces = (Piece(other, span.text, span.start, span.end),) if other in accepted else ()
    return _Remedy(pieces=pieces, resume=span.end)


# --- a character that starts no token


def _unexpected_character(source: Source, offset: int, accepted: Collection[str]) -> Mistake:
    string = _STRING_UP_TO_NUL.match(source.text, offset)
    offset = string.end() if string else offset
    character = source.text[offset]
    if character in "\"'":
        return _unterminated_string(source, offset, accepted)
    number = _NUMBER_LIKE.match(source.text, offset)
    if number:
        span = Span(source, *number.span())
        return _without_value(
            catalogue.MALFORMED_NUMBER.at(span, text=quotable(number[0])), span.end, accepted
        )
    span = Span(source, offset, offset + 1)
    remedy = _plain_spelling(span, accepted)
    diagnostic = catalogue.UNEXPECTED_CHARACTER.at(
        span, character=_character(character), help=remedy.help, fix=remedy.fix
    )
    return Mistake(diagnostic, "", span.end, remedy.pieces, remedy.resume)


def _unterminated_string(source: Source, offset: int, accepted: Collection[str]) -> Mistake:
    rest, word = _REST_OF_LINE.match(source.text, offset), _UNENDED_WORD.match(source.text, offset)
    assert rest
    assert word
    quote = source.text[offset]
    further = _REST_IN_NEXT_LINE[quote].match(source.text, rest.end())
    if further:
        # It goes on in the next line, and ends there.
        diagnostic = catalogue.UNTERMINATED_STRING.at(
            Span(source, *rest.span()), help="write \\n for a line break"
        )
        return _without_value(diagnostic, further.end(), accepted)
    is_all = _NOTHING_MORE.fullmatch(source.text, word.end(), rest.end()) and len(word[0]) > 1
    end = Span(source, word.end(), word.end())
    diagnostic = catalogue.UNTERMINATED_STRING.at(
        Span(source, *rest.span()),
        help=f"end it with {quote}, or write \\n for a line break",
        fix=[Edit(end, quote)] if is_all else [],
    )
    return _without_value(diagnostic, word.end() if is_all else rest.end(), accepted)


def _without_value(diagnostic: Diagnostic, end: int, accepted: Collection[str]) -> Mistake:
    """Return the mistake of a value that cannot be read, but whose end is known."""
    span = cast(Span, diagnostic.span)
    is_item = "IDENT" in accepted and "LSQB" not in accepted and "BRACKETED" not in accepted
    if is_item:
        return Mistake(diagnostic, "", end, (Piece("IDENT", "", span.start, end),), end)
    return Mistake(diagnostic, "", end)


def _character(character: str) -> str:
    if character.isascii() and character.isprintable():
        return f'"{character}"'
    name = name_of_character(character, "")
    return f"U+{ord(character):04X} ({name})" if name else f"the character U+{ord(character):04X}"


def _plain_spelling(span: Span, accepted: Collection[str]) -> _Remedy:
    """Return the remedy for a character that only looks like one of the format, or means one elsewhere."""
    character, source = span.text, span.source
    string = _TYPOGRAPHIC_STRING.match(source.text, span.start)
    if string and "STRING" in accepted:
        quote = _TYPOGRAPHIC_QUOTES[character]
        text = f"{quote}{string['double'] or string['single'] or ''}{quote}"
        return _replaced(Span(source, *string.span()), "STRING", text, f"write {quote}")
    if character == "+" and "DEC_INT" in accepted:
        return _Remedy("leave it out", (Edit(span, ""),), resume=span.end)
    plain = _TYPOGRAPHIC_QUOTES.get(character) or normalize("NFKC", character)
    if plain == " ":
        return _Remedy("write an ordinary blank", (Edit(span, " "),), resume=span.end)
    if category(character) == "Cf":
        return _Remedy("leave it out", (Edit(span, ""),), resume=span.end)
    token, meant = _TOKENS.get(plain), _MEANT.get(plain, plain)
    if token is not None and token in accepted:
        return _replaced(span, token, meant, f"write {meant}")
    return _Remedy(f"write {plain}" if plain != character and plain.isascii() else None)


def _quoted(token: Token) -> str:
    text = quotable(token)
    return text if token.type == "STRING" else f'"{text}"'
