"""What the parser stumbled over, in words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING
from unicodedata import name as name_of_character
from unicodedata import normalize

from quantcfg.diagnostics import Diagnostic, Related, catalogue
from quantcfg.source import Source, Span
from quantcfg.textproto.literals import quotable

if TYPE_CHECKING:
    from lark import Token, UnexpectedInput, UnexpectedToken

_NUMBER_LIKE = re.compile(r"\.?[0-9](?:[eE][+-]|[0-9A-Za-z_.])*")
_STRING_UP_TO_NUL = re.compile(r"""(?:"(?:[^"\\\n\0]|\\[^\n\0])*+|'(?:[^'\\\n\0]|\\[^\n\0])*+)\\?(?=\0)""")
_BRACKETED_LIKE = re.compile(r"\[[^\]\n]*\]?")
_REST_OF_LINE = re.compile(r"[^\r\n]*")

_SCALAR_STARTS = ("STRING", "MINUS", "IDENT", "DEC_INT", "OCT_INT", "HEX_INT", "FLOAT")
_CLOSES = {"LBRACE": '"}"', "LESSTHAN": '">"', "LSQB": '"]"'}
_PUNCTUATION = {
    "COLON": '":"',
    "COMMA": '","',
    "LBRACE": '"{"',
    "RBRACE": '"}"',
    "MORETHAN": '">"',
    "RSQB": '"]"',
    "$END": "the end of the text",
}
_TYPOGRAPHIC_QUOTES = dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"') | dict.fromkeys(
    "\u2018\u2019", "'"
)


def describe(error: UnexpectedInput, source: Source) -> Diagnostic:
    """Return the diagnostic for an error of lark's."""
    from lark import UnexpectedCharacters, UnexpectedToken

    if isinstance(error, UnexpectedToken):
        return _unexpected_token(error, source)
    assert isinstance(error, UnexpectedCharacters)
    assert error.pos_in_stream is not None
    return _unexpected_character(source, error.pos_in_stream)


def _unexpected_token(error: UnexpectedToken, source: Source) -> Diagnostic:
    token, accepted = error.token, error.accepts
    span = _token_span(token, source)
    bracketed = _BRACKETED_LIKE.match(source.text, span.start)
    if bracketed and "BRACKETED" in accepted:
        span = Span(source, *bracketed.span())
        return catalogue.MALFORMED_NAME.at(span, name=quotable(span.text))
    found = "the end of the text" if token.type == "$END" else _quoted(token)
    return catalogue.SYNTAX.at(
        span,
        expected=" or ".join(_expected(accepted)),
        found=found,
        related=_opened(error, source),
        help=_help(token, accepted),
    )


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


def _help(token: Token, accepted: Collection[str]) -> str | None:
    if "COLON" in accepted and token.type != "$END":
        return 'write ":" between the name of a field and its value'
    if token.type in _SCALAR_STARTS and "LBRACE" in accepted and "RSQB" in accepted:
        return 'a list of values needs ":" before it'
    if token.type == "SEMICOLON" and "COMMA" in accepted:
        return 'write "," between the values of a list'
    if token.type in ("SEMICOLON", "COMMA") and "BRACKETED" in accepted:
        return 'one ";" or "," ends a field'
    return None


def _unexpected_character(source: Source, offset: int) -> Diagnostic:
    string = _STRING_UP_TO_NUL.match(source.text, offset)
    offset = string.end() if string else offset
    character = source.text[offset]
    if character in "\"'":
        rest = _REST_OF_LINE.match(source.text, offset)
        assert rest
        return catalogue.UNTERMINATED_STRING.at(
            Span(source, *rest.span()), help=f"end it with {character}, or write \\n for a line break"
        )
    number = _NUMBER_LIKE.match(source.text, offset)
    if number:
        return catalogue.MALFORMED_NUMBER.at(Span(source, *number.span()), text=quotable(number[0]))
    span = Span(source, offset, offset + 1)
    return catalogue.UNEXPECTED_CHARACTER.at(
        span, character=_character(character), help=_plain_spelling(character)
    )


def _character(character: str) -> str:
    if character.isascii() and character.isprintable():
        return f'"{character}"'
    name = name_of_character(character, "")
    return f"U+{ord(character):04X} ({name})" if name else f"the character U+{ord(character):04X}"


def _plain_spelling(character: str) -> str | None:
    plain = _TYPOGRAPHIC_QUOTES.get(character) or normalize("NFKC", character)
    if plain == character or not plain.isascii():
        return None
    return "write an ordinary blank" if plain == " " else f"write {plain}"


def _quoted(token: Token) -> str:
    text = quotable(token)
    return text if token.type == "STRING" else f'"{text}"'
