"""Error recovery of the parser.

If the intended token is clear, such as a missing ":", it is inserted and parsing
continues in the same field. Otherwise the field is dropped: it is closed with a
Missing value, and parsing resumes at the next field.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quantcfg import limits
from quantcfg.diagnostics import Report, catalogue
from quantcfg.source import Source
from quantcfg.textproto import tree
from quantcfg.textproto.loose_lexer import holds_names, next_field
from quantcfg.textproto.wrong_characters import unexpected_character
from quantcfg.textproto.wrong_tokens import NewToken, ParseError, accepts, unexpected_token

if TYPE_CHECKING:
    from lark import Token, UnexpectedInput
    from lark.parsers.lalr_interactive_parser import InteractiveParser

_COMPLETIONS = ("RSQB", "COLON", "IDENT", "LBRACE")
"""The tokens that close a dropped field: the first one that the parser accepts is inserted."""

_CLOSING = {"LBRACE": "RBRACE", "LESSTHAN": "MORETHAN", "LSQB": "RSQB"}

_FIELD_START = "BRACKETED"
"""The token that is accepted only at the start of a field."""


@dataclass
class Recovery:
    """The state of the recovery during one parse.

    unopened counts dropped fields that may lack an opening bracket: as many
    unmatched closing brackets are not reported.
    """

    source: Source
    report: Report
    errors: int = 0
    unopened: int = 0
    closes_early: bool = False

    def handle(self, unexpected: UnexpectedInput) -> bool:
        """Report an error and move the parser to where it can continue; lark calls this as on_error."""
        parser = unexpected.interactive_parser
        error = _parse_error(unexpected, self.source, is_first=not self.errors)
        accepted = accepts(parser)
        is_stray = _is_stray_bracket(error, accepted)
        self.closes_early |= is_stray
        if is_stray and self.unopened:
            self.unopened -= 1
        else:
            self._report(error)
        if error.replacement:
            _replace_last(parser, error.replacement)
        if self.errors > limits.SYNTAX_ERRORS:
            self._stop(parser)
        elif error.resume is not None:
            _feed(parser, error.inserted)
            _go_to(parser, error.resume)
        else:
            self.unopened += "LBRACE" in accepted and "COLON" in accepted
            _drop_field(parser, error, self.source.text)
        return True

    def _report(self, error: ParseError) -> None:
        self.errors += 1
        if self.errors <= limits.SYNTAX_ERRORS:
            self.report(error.diagnostic)
        else:
            self.report(catalogue.TOO_MANY_ERRORS.at(error.span, limit=limits.SYNTAX_ERRORS))

    def _stop(self, parser: InteractiveParser) -> None:
        end = len(self.source.text)
        _close_field(parser, end)
        _close_messages(parser, end)
        _go_to(parser, end)


def _parse_error(unexpected: UnexpectedInput, source: Source, *, is_first: bool) -> ParseError:
    from lark import UnexpectedCharacters, UnexpectedToken

    if isinstance(unexpected, UnexpectedToken):
        return unexpected_token(unexpected, source, is_first=is_first)
    assert isinstance(unexpected, UnexpectedCharacters)
    return unexpected_character(unexpected, source)


def _is_stray_bracket(error: ParseError, accepted: set[str]) -> bool:
    """Return whether the error is a closing bracket at the top level."""
    return error.kind in ("RBRACE", "MORETHAN") and _FIELD_START in accepted and "$END" in accepted


def _replace_last(parser: InteractiveParser, token: NewToken) -> None:
    """Replace the last token, or the last list item, on the parser's stack."""
    stack = parser.parser_state.value_stack
    items = getattr(stack[-1], "children", None)
    if items:
        items[-1] = tree.Missing(token.start, token.end - token.start)
    else:
        stack[-1] = _token(token)


def _drop_field(parser: InteractiveParser, error: ParseError, text: str) -> None:
    """Drop the field with the error and continue at the next one."""
    resume = next_field(text, error.skip_from, in_list="LSQB" in _open_brackets(parser)[:1])
    at = error.span.start
    is_item = text[:at].rstrip().endswith(",") and text.startswith(('"', "'"), at)
    may_be_field = error.kind != "$END" and not error.replacement
    if (
        _FIELD_START in accepts(parser)
        and may_be_field
        and holds_names(text, at, resume, strings=not is_item)
    ):
        # Keep an empty field: the skipped text may be a field that the binder would report as missing.
        _feed(parser, [NewToken("IDENT", "", at, at)])
    _close_field(parser, at)
    if error.kind == "$END":
        _close_messages(parser, at)
    _go_to(parser, resume)


def _close_field(parser: InteractiveParser, at: int) -> None:
    while _FIELD_START not in (accepted := accepts(parser)):
        kind = next(kind for kind in _COMPLETIONS if kind in accepted)
        _feed(parser, [NewToken(kind, "", at, at)])
        if kind == "LBRACE":
            _feed(parser, [NewToken("RBRACE", "", at, at)])


def _close_messages(parser: InteractiveParser, at: int) -> None:
    _feed(parser, [NewToken(_CLOSING[opening], "", at, at) for opening in _open_brackets(parser)])


def _open_brackets(parser: InteractiveParser) -> list[str]:
    """Return the kinds of the open brackets, the innermost first."""
    opened, closed = [], 0
    for value in reversed(parser.parser_state.value_stack):
        kind = getattr(value, "type", None)
        if kind in _CLOSING.values():
            # A list or message is reduced to a node only when the next token is read.
            closed += 1
        elif kind in _CLOSING and closed:
            closed -= 1
        elif kind in _CLOSING:
            opened.append(kind)
    return opened


def _feed(parser: InteractiveParser, tokens: Iterable[NewToken]) -> None:
    for token in tokens:
        parser.feed_token(_token(token))


def _token(token: NewToken) -> Token:
    from lark import Token

    return Token(token.kind, token.text, token.start, end_pos=token.end)


def _go_to(parser: InteractiveParser, offset: int) -> None:
    state = parser.lexer_thread.state
    assert state
    state.line_ctr.char_pos = offset
