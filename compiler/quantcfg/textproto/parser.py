"""Text to syntax tree, by the grammar in grammar/textproto.lark, with the short cut of grammar/runs.lark.

A text without mistakes is read by the parse table that lark has made of both
ahead of time. Lark itself is loaded for a text with a mistake, or with a name
in brackets.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, cast

from quantcfg import contracts, limits
from quantcfg.diagnostics import Report, catalogue
from quantcfg.files import has_other_content, without_byte_order_mark
from quantcfg.source import Source
from quantcfg.textproto import lalr, tree
from quantcfg.textproto.lalr import Token

if TYPE_CHECKING:
    from lark import Lark

_GAP = contracts.terminal("_GAP")


def parse(source: Source, report: Report, *, wanted: str = "protobuf text format") -> tree.Document:
    """Return the syntax tree of a text, after reporting what is wrong with its syntax.

    A field that cannot be read is in the tree, as far as its name can be, with
    a value that is Missing. wanted says in words what the text should be.
    """
    if has_other_content(source, report, wanted=wanted):
        return tree.Document(source, ())
    if "\r" in source.text or len(source.text) > limits.TOKEN_LENGTH:
        from quantcfg.textproto.loose_lexer import check_pieces

        if not check_pieces(source, report):
            return tree.Document(source, ())
    text = without_byte_order_mark(source, report)
    try:
        fields = lalr.parse(text, cast(lalr.Table, contracts.parse_table()), _Build)
    except lalr.TooDeepError:
        from quantcfg.textproto.loose_lexer import nested_name

        report(catalogue.TOO_DEEP.at(nested_name(source, limits.NESTING), limit=limits.NESTING))
        return tree.Document(source, ())
    if fields is None:
        return parse_word_by_word(source, text, report)
    return tree.Document(source, _fields(fields))


def parse_word_by_word(source: Source, text: str, report: Report) -> tree.Document:
    """Return the syntax tree of a text without taking runs of fields as one token.

    It is the same tree, but only this way tells what a mistake is, and reads on behind it.
    """
    from quantcfg.textproto.recovery import Recovery

    recovery = Recovery(source, report)
    fields = _fields(_lark().parse(text, on_error=recovery.read_on))
    return tree.Document(source, fields, recovery.closes_early)


def _fields(parsed: object) -> tuple[tree.Field, ...]:
    return cast("tuple[tree.Field, ...]", parsed)


@cache
def _lark() -> Lark:
    """Return lark's parser of the grammar without runs."""
    from lark import Lark

    return Lark(
        contracts.grammar("textproto.lark"),
        start="document",
        parser="lalr",
        maybe_placeholders=False,
        transformer=_Build,
    )


class _Build:
    """What becomes of each rule of the grammar: a node, made of the nodes and tokens in it.

    A token of lark's without text was put in where something is missing.
    """

    @staticmethod
    def document(children: list[tree.Field]) -> tuple[tree.Field, ...]:
        return tuple(children)

    @staticmethod
    def field(children: list[tree.Name | tree.Value]) -> tree.Field:
        name, value = cast("tuple[tree.Name, tree.Value]", children)
        return tree.field_of(name, value)

    @staticmethod
    def _run(children: list[list[tree.Field]]) -> list[tree.Field]:
        (fields,) = children
        return fields

    @staticmethod
    def plain_name(children: list[Token]) -> tree.Name:
        (token,) = children
        return tree.Name(str(token), False, *_extent(children))

    @staticmethod
    def bracketed_name(children: list[Token]) -> tree.Name:
        (token,) = children
        return tree.Name(re.sub(_GAP, "", token)[1:-1], True, *_extent(children))

    @staticmethod
    def string(children: list[Token]) -> tree.String:
        parts = tuple(tree.Literal(str(token), *_extent([token])) for token in children)
        return tree.String(parts)

    @staticmethod
    def number(children: list[Token]) -> tree.Number | tree.Missing:
        if not children[-1]:
            return tree.Missing(*_extent(children))
        return tree.Number("".join(children), *_extent(children))

    @staticmethod
    def identifier(children: list[Token]) -> tree.Identifier | tree.Missing:
        if not children[-1]:
            return tree.Missing(*_extent(children))
        return tree.Identifier("".join(children), *_extent(children))

    @staticmethod
    def message(children: list[Token | tree.Field]) -> tree.Message | tree.Missing:
        opening, *fields, closing = cast("list[Token]", children)
        if not opening:
            return tree.Missing(*_extent([opening]))
        return tree.Message(
            tuple(cast("list[tree.Field]", fields)), *_extent([opening, closing]), is_closed=bool(closing)
        )

    @staticmethod
    def list(children: list[Token | tree.Value]) -> tree.List:
        items = cast("list[tree.Value]", children[1:-1:2])
        return tree.List(tuple(items), *_extent(cast("list[Token]", children)))


def _extent(tokens: list[Token]) -> tuple[int, int]:
    """Return where the first of some tokens starts, and how far the last one ends from there."""
    start = tokens[0].start_pos
    return start, tokens[-1].end_pos - start
