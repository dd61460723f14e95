"""A mistake in the syntax, as the parser's recovery needs it: what is said of it, and how to read on."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from quantcfg.diagnostics import Diagnostic, Edit
from quantcfg.frozen import frozen_value
from quantcfg.source import Span
from quantcfg.textproto.literals import quotable

if TYPE_CHECKING:
    from lark import Token, UnexpectedCharacters, UnexpectedToken
    from lark.parsers.lalr_interactive_parser import InteractiveParser


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
