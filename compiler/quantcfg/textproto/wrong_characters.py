"""Errors for characters that do not start a token: the diagnostic, and how the parser continues."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, cast
from unicodedata import category, normalize
from unicodedata import name as name_of_character

from quantcfg import contracts
from quantcfg.diagnostics import Diagnostic, Edit, catalogue
from quantcfg.source import Source, Span
from quantcfg.textproto.literals import quotable
from quantcfg.textproto.loose_lexer import starts_field
from quantcfg.textproto.wrong_tokens import (
    LIST_BRACKETS,
    MESSAGE_BRACKETS,
    ParseError,
    Repair,
    accepts,
    bare_word,
    last_token,
    missing,
    replaced,
    span_of,
)

if TYPE_CHECKING:
    from lark import UnexpectedCharacters

_NUMBER_LIKE = re.compile(r"\.?[0-9](?:[eE][+-]|[0-9A-Za-z_.])*")
_STRING_UP_TO_NUL = re.compile(
    rf"""(?:"{contracts.terminal("_IN_DOUBLE_QUOTES")}|'{contracts.terminal("_IN_SINGLE_QUOTES")})\\?(?=\0)"""
)
_REST_OF_LINE = re.compile(r"[^\r\n]*")
_REST_IN_NEXT_LINE = {quote: re.compile(rf"\r?\n[^{quote}\n:{{}}]*{quote}") for quote in "\"'"}
_UNENDED_WORD = re.compile(r"""["'][^\s"'{}<>\[\],;#]*""")
_NOTHING_MORE = re.compile(r"[ \t}>\],;]*(?:#.*)?")
_TYPOGRAPHIC_STRING = re.compile(
    r"""[\u201c\u201d\u201e\u00ab](?P<double>[^\u201c\u201d\u00bb"\\\n]*)[\u201c\u201d\u00bb]
      | [\u2018\u2019](?P<single>[^\u2018\u2019'\\\n]*)[\u2018\u2019]""",
    re.VERBOSE,
)
_FOREIGN_COMMENT = re.compile(r"//[^\n]*|/\*[^\n]*")

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


def unexpected_character(error: UnexpectedCharacters, source: Source) -> ParseError:
    """Describe the error where lark found no token."""
    assert error.pos_in_stream is not None
    offset, accepted = error.pos_in_stream, accepts(error.interactive_parser)
    string = _STRING_UP_TO_NUL.match(source.text, offset)
    offset = string.end() if string else offset
    character = source.text[offset]
    if character in "\"'":
        return _unstarted_string(error, source, offset) or _unterminated_string(source, offset, accepted)
    span = Span(source, offset, offset + 1)
    last = last_token(error)
    if (
        last
        and last.end_pos == offset
        and character in "-./\\@"
        and (word := bare_word(span, last, accepted))
    ):
        return word
    number = _NUMBER_LIKE.match(source.text, offset)
    if number:
        return _malformed_number(Span(source, *number.span()), accepted)
    repair = _plain_spelling(span, accepted)
    diagnostic = catalogue.UNEXPECTED_CHARACTER.at(
        span, character=_character(character), help=repair.help, fix=repair.fix
    )
    return ParseError(
        diagnostic, "", span.start if character == "(" else span.end, repair.inserted, repair.resume
    )


def _malformed_number(span: Span, accepted: Collection[str]) -> ParseError:
    diagnostic = catalogue.MALFORMED_NUMBER.at(span, text=quotable(span.text), help=_number_help(span.text))
    return _without_value(diagnostic, span.end, accepted)


def _number_help(text: str) -> str | None:
    if re.fullmatch(r"0[0-9]+", text):
        return "octal numbers use digits 0 to 7"
    if re.fullmatch(r"[0-9]+(?:_[0-9]+)+", text):
        return f"write {text.replace('_', '')}"
    if re.fullmatch(r"0[bB][01]+|0[oO][0-7]+", text):
        return f"write {int(text, 0)}"
    is_name = re.search(r"[A-Za-z_]", text.lower().removeprefix("0x").replace("e", "")) is not None
    return "put it in quotes if it is a name" if is_name else None


def _unstarted_string(error: UnexpectedCharacters, source: Source, offset: int) -> ParseError | None:
    """Match a string without an opening quote: a word with a single quote right after it."""
    word = last_token(error)
    if word is None or word.type != "IDENT" or word.end_pos != offset:
        return None
    string, quote = span_of(word, Span(source, 0, 0)), source.text[offset]
    before = source.text[: string.start].rstrip(" \t")[-1:]
    is_all = before in ("[", ",", ":") and _NOTHING_MORE.match(source.text, offset + 1)
    diagnostic = catalogue.UNTERMINATED_STRING.at(
        Span(source, string.start, offset + 1),
        help=f"add the opening {quote}",
        fix=[Edit(Span(source, string.start, string.start), quote)] if is_all else [],
    )
    end = offset + 1
    return ParseError(diagnostic, "", end, resume=end, replacement=missing(string.start, end))


def _unterminated_string(source: Source, offset: int, accepted: Collection[str]) -> ParseError:
    rest, word = _REST_OF_LINE.match(source.text, offset), _UNENDED_WORD.match(source.text, offset)
    assert rest
    assert word
    quote = source.text[offset]
    further = _REST_IN_NEXT_LINE[quote].match(source.text, rest.end())
    if further:
        # The string ends on the next line.
        diagnostic = catalogue.UNTERMINATED_STRING.at(
            Span(source, *rest.span()), help="write \\n for a line break"
        )
        return _without_value(diagnostic, further.end(), accepted)
    is_all = _NOTHING_MORE.fullmatch(source.text, word.end(), rest.end()) and len(word[0]) > 1
    end = Span(source, word.end(), word.end())
    diagnostic = catalogue.UNTERMINATED_STRING.at(
        Span(source, *rest.span()),
        help=f"add the closing {quote}, or write \\n for a line break",
        fix=[Edit(end, quote)] if is_all else [],
    )
    return _without_value(diagnostic, word.end() if is_all else rest.end(), accepted)


def _without_value(diagnostic: Diagnostic, end: int, accepted: Collection[str]) -> ParseError:
    """Return the error for an invalid value whose end is known."""
    span = cast(Span, diagnostic.span)
    is_item = "IDENT" in accepted and "LSQB" not in accepted and "BRACKETED" not in accepted
    if is_item:
        return ParseError(diagnostic, "", end, (missing(span.start, end),), end)
    return ParseError(diagnostic, "", end)


def _character(character: str) -> str:
    if character.isascii() and character.isprintable():
        return f'"{character}"'
    name = name_of_character(character, "")
    return f"U+{ord(character):04X} ({name})" if name else f"character U+{ord(character):04X}"


def _plain_spelling(span: Span, accepted: Collection[str]) -> Repair:
    """Replace a typographic or foreign character by the ASCII character that it resembles."""
    character, source = span.text, span.source
    string = _TYPOGRAPHIC_STRING.match(source.text, span.start)
    if string and "STRING" in accepted:
        quote = _TYPOGRAPHIC_QUOTES[character]
        text = f"{quote}{string['double'] or string['single'] or ''}{quote}"
        return replaced(Span(source, *string.span()), "STRING", text, f"write {quote}")
    comment = _FOREIGN_COMMENT.match(source.text, span.start)
    if comment:
        fix = (Edit(Span(source, span.start, span.start + 2), "#"),) if comment[0].startswith("//") else ()
        return Repair(
            'start a comment with "#"', fix, resume=comment.end() if "BRACKETED" in accepted else None
        )
    if character == "(":
        return Repair(MESSAGE_BRACKETS if "COLON" in accepted else LIST_BRACKETS)
    if character == "+" and "NUMBER" in accepted:
        return Repair("remove it", (Edit(span, ""),), resume=span.end)
    plain = _TYPOGRAPHIC_QUOTES.get(character) or normalize("NFKC", character)
    if plain == " ":
        return Repair("write an ordinary space", (Edit(span, " "),), resume=span.end)
    if category(character) == "Cf":
        return Repair("remove it", (Edit(span, ""),), resume=span.end)
    token, meant = _TOKENS.get(plain), _MEANT.get(plain, plain)
    # In the middle of a name it does not mean ":".
    is_in_name = meant == ":" and starts_field(source.text, span.end)
    if token is not None and token in accepted and not is_in_name:
        return replaced(span, token, meant, f"write {meant}")
    return Repair(f"write {plain}" if plain != character and plain.isascii() else None)
