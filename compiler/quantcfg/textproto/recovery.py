"""How the parser reads on behind a mistake.

Where what was meant is plain, a ":" left out say, the parser is given it and
the field goes on. Else the field is given up: it is closed, with a value that
is missing, and reading goes on at the next field.
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
from quantcfg.textproto.wrong_tokens import Mistake, Piece, accepts, unexpected_token

if TYPE_CHECKING:
    from lark import Token, UnexpectedInput
    from lark.parsers.lalr_interactive_parser import InteractiveParser

_COMPLETIONS = ("RSQB", "COLON", "IDENT", "LBRACE")
"""What is put in to close a field that is given up: the first of these that the parser takes."""

_CLOSING = {"LBRACE": "RBRACE", "LESSTHAN": "MORETHAN", "LSQB": "RSQB"}

_FIELD_START = "BRACKETED"
"""The one token that only a field can start with."""


@dataclass
class Recovery:
    """The recovery of one parse: counts what must be known of earlier mistakes.

    unopened counts the fields whose opening bracket may be what is missing: as
    many closing brackets are no mistakes of their own.
    """

    source: Source
    report: Report
    mistakes: int = 0
    unopened: int = 0
    closes_early: bool = False

    def read_on(self, error: UnexpectedInput) -> bool:
        """Report an error of lark's, and bring the parser to where it can go on; what on_error asks for."""
        parser = error.interactive_parser
        mistake = _described(error, self.source, is_first=not self.mistakes)
        accepted = accepts(parser)
        is_stray = _is_stray_bracket(mistake, accepted)
        self.closes_early |= is_stray
        if is_stray and self.unopened:
            self.unopened -= 1
        else:
            self._report(mistake)
        if mistake.instead:
            _put_in_place(parser, mistake.instead)
        if self.mistakes > limits.SYNTAX_MISTAKES:
            self._give_up(parser)
        elif mistake.resume is not None:
            _feed(parser, mistake.pieces)
            _go_to(parser, mistake.resume)
        else:
            self.unopened += "LBRACE" in accepted and "COLON" in accepted
            _lose_field(parser, mistake, self.source.text)
        return True

    def _report(self, mistake: Mistake) -> None:
        self.mistakes += 1
        if self.mistakes <= limits.SYNTAX_MISTAKES:
            self.report(mistake.diagnostic)
        else:
            self.report(catalogue.TOO_MANY_MISTAKES.at(mistake.span, limit=limits.SYNTAX_MISTAKES))

    def _give_up(self, parser: InteractiveParser) -> None:
        end = len(self.source.text)
        _close_field(parser, end)
        _close_messages(parser, end)
        _go_to(parser, end)


def _described(error: UnexpectedInput, source: Source, *, is_first: bool) -> Mistake:
    from lark import UnexpectedCharacters, UnexpectedToken

    if isinstance(error, UnexpectedToken):
        return unexpected_token(error, source, is_first=is_first)
    assert isinstance(error, UnexpectedCharacters)
    return unexpected_character(error, source)


def _is_stray_bracket(mistake: Mistake, accepted: set[str]) -> bool:
    """Tell whether a closing bracket stands where none is open."""
    return mistake.token in ("RBRACE", "MORETHAN") and _FIELD_START in accepted and "$END" in accepted


def _put_in_place(parser: InteractiveParser, piece: Piece) -> None:
    """Put a piece in place of the last token, or of the last value of a list that it was read as."""
    stack = parser.parser_state.value_stack
    items = getattr(stack[-1], "children", None)
    if items:
        items[-1] = tree.Missing(piece.start, piece.end - piece.start)
    else:
        stack[-1] = _token(piece)


def _lose_field(parser: InteractiveParser, mistake: Mistake, text: str) -> None:
    """Give up the field at a mistake, and go to the next one."""
    resume = next_field(text, mistake.skip_from, in_list="LSQB" in _open_brackets(parser)[:1])
    at = mistake.span.start
    is_item = text[:at].rstrip().endswith(",") and text.startswith(('"', "'"), at)
    may_be_field = mistake.token != "$END" and not mistake.instead
    if (
        _FIELD_START in accepts(parser)
        and may_be_field
        and holds_names(text, at, resume, strings=not is_item)
    ):
        # What stands here may have been meant as a field: whoever misses one in this message must know.
        _feed(parser, [Piece("IDENT", "", at, at)])
    _close_field(parser, at)
    if mistake.token == "$END":
        _close_messages(parser, at)
    _go_to(parser, resume)


def _close_field(parser: InteractiveParser, at: int) -> None:
    while _FIELD_START not in (accepted := accepts(parser)):
        kind = next(kind for kind in _COMPLETIONS if kind in accepted)
        _feed(parser, [Piece(kind, "", at, at)])
        if kind == "LBRACE":
            _feed(parser, [Piece("RBRACE", "", at, at)])


def _close_messages(parser: InteractiveParser, at: int) -> None:
    _feed(parser, [Piece(_CLOSING[opening], "", at, at) for opening in _open_brackets(parser)])


def _open_brackets(parser: InteractiveParser) -> list[str]:
    """Return the names of the opening brackets that are not closed yet, the last one first."""
    opened, closed = [], 0
    for value in reversed(parser.parser_state.value_stack):
        kind = getattr(value, "type", None)
        if kind in _CLOSING.values():
            # Its list or message becomes a node only with the token behind it.
            closed += 1
        elif kind in _CLOSING and closed:
            closed -= 1
        elif kind in _CLOSING:
            opened.append(kind)
    return opened


def _feed(parser: InteractiveParser, pieces: Iterable[Piece]) -> None:
    for piece in pieces:
        parser.feed_token(_token(piece))


def _token(piece: Piece) -> Token:
    from lark import Token

    return Token(piece.token, piece.text, piece.start, end_pos=piece.end)


def _go_to(parser: InteractiveParser, offset: int) -> None:
    state = parser.lexer_thread.state
    assert state
    state.line_ctr.char_pos = offset
