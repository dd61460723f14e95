"""The parser: source text to syntax tree, by the grammar in grammar/textproto.lark.

Fast path: an LALR(1) table that lark generates ahead of time, where a run of
plain fields is one token (grammar/runs.lark, runs.py). Slow path: lark itself,
loaded only for input with a syntax error or a name in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast

from quantcfg import contracts, limits
from quantcfg.diagnostics import Report, catalogue
from quantcfg.files import has_other_content, without_byte_order_mark
from quantcfg.source import Source
from quantcfg.textproto import tree
from quantcfg.textproto.runs import Run, run_at

if TYPE_CHECKING:
    from lark import Lark

_GAP = re.compile(contracts.terminal("_GAP"))
_END = "$END"
_RUN, _NAME = "RUN", "IDENT"
_OPENING = {"{": "LBRACE", "<": "LESSTHAN"}
_STATES_OF_A_LEVEL = 5
"""At most this many states per nested message: its name, ":", "[", "{" and the fields before it."""

_INVALID = ""
"""The kind of a token that no state accepts."""


def parse(source: Source, report: Report, *, wanted: str = "protobuf text format") -> tree.Document:
    """Parse a source, and report syntax errors.

    A field that cannot be parsed has a Missing value in the tree. wanted names
    the expected format in messages.
    """
    if has_other_content(source, report, wanted=wanted):
        return tree.Document(source, ())
    if "\r" in source.text or len(source.text) > limits.TOKEN_LENGTH:
        from quantcfg.textproto.loose_lexer import check_tokens

        if not check_tokens(source, report):
            return tree.Document(source, ())
    text = without_byte_order_mark(source, report)
    try:
        fields = parse_by_table(text, cast(Table, contracts.parse_table()), _Build)
    except TooDeepError:
        from quantcfg.textproto.loose_lexer import nested_name

        report(catalogue.TOO_DEEP.at(nested_name(source, limits.NESTING), limit=limits.NESTING))
        return tree.Document(source, ())
    if fields is None:
        return parse_with_recovery(source, text, report)
    return tree.Document(source, _fields(fields))


def parse_with_recovery(source: Source, text: str, report: Report) -> tree.Document:
    """Parse with lark: slower, but reports each syntax error and continues after it."""
    from quantcfg.textproto.recovery import Recovery

    recovery = Recovery(source, report)
    fields = _fields(_lark().parse(text, on_error=recovery.handle))
    return tree.Document(source, fields, recovery.closes_early)


def _fields(parsed: object) -> tuple[tree.Field, ...]:
    return cast("tuple[tree.Field, ...]", parsed)


@cache
def _lark() -> Lark:
    from lark import Lark

    return Lark(
        contracts.grammar("textproto.lark"),
        start="document",
        parser="lalr",
        maybe_placeholders=False,
        transformer=_Build,
    )


class Token(str):
    """A token and its offset; compatible with lark's."""

    __slots__ = ("start_pos",)

    start_pos: int

    @property
    def end_pos(self) -> int:
        """The offset after the token."""
        return self.start_pos + len(self)


class _Build:
    """The semantic actions of the grammar: each builds the node of a rule.

    An empty token was inserted by the error recovery.
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
        return tree.Name(_GAP.sub("", token)[1:-1], True, *_extent(children))

    @staticmethod
    def string(children: list[Token]) -> tree.String:
        return tree.string_of([tree.Literal(str(token), *_extent([token])) for token in children])

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
            cast("list[tree.Field]", fields), *_extent([opening, closing]), is_closed=bool(closing)
        )

    @staticmethod
    def list(children: list[Token | tree.Value]) -> tree.List:
        items = cast("list[tree.Value]", children[1:-1:2])
        return tree.List(tuple(items), *_extent(cast("list[Token]", children)))


def _extent(tokens: list[Token]) -> tuple[int, int]:
    """Return the start and the length of a range of tokens."""
    start = tokens[0].start_pos
    return start, tokens[-1].end_pos - start


# --- the driver of the parse table


Role = Literal["kept", "inlined", "filtered"]
"""What happens to a symbol of a rule: passed to the action, replaced by its children, or dropped."""


class Rule(TypedDict):
    """A grammar rule: the symbol it reduces to, its action, and the roles of its symbols."""

    origin: str
    action: str
    expansion: list[Role]


class State(TypedDict):
    """A parser state: the shift and goto targets, and the rule to reduce by, per symbol."""

    shift: dict[str, int]
    reduce: dict[str, int]
    goto: dict[str, int]


class Table(TypedDict):
    """A compiled grammar; states and rules are referred to by index."""

    terminals: dict[str, str]
    scanner: str
    ignored: list[str]
    start: int
    end: int
    rules: list[Rule]
    states: list[State]


class TooDeepError(Exception):
    """The input is nested deeper than limits.NESTING_READ."""


def parse_by_table(text: str, table: Table, actions: object) -> Any:
    """Parse text by an LALR(1) table; return the value of the start rule, or None on a syntax error.

    actions has a method per rule, which takes a list of values and tokens. The
    value of a rule without a method is that list.

    Raises:
        TooDeepError: the text is nested too deep.

    """
    rules, states = table["rules"], table["states"]
    path, values = [table["start"]], list[Any]()
    for kind, token in _tokens(text, table, path):
        while (number := states[path[-1]]["reduce"].get(kind)) is not None:
            rule = rules[number]
            at = len(values) - len(rule["expansion"])
            value = _value(rule, values[at:], actions)
            del values[at:], path[at + 1 :]
            values.append(value)
            path.append(states[path[-1]]["goto"][rule["origin"]])
        after = states[path[-1]]["shift"].get(kind)
        if after is None:
            break
        if len(path) > _STATES_OF_A_LEVEL * limits.NESTING_READ:
            raise TooDeepError
        values.append(token)
        path.append(after)
    return values[0] if path[-1] == table["end"] else None


def _tokens(text: str, table: Table, path: Sequence[int]) -> Iterator[tuple[str, Token | list[tree.Field]]]:
    """Yield the kind and the value of each token, then the end or, for an invalid token, _INVALID.

    The value of a run is its fields. path is the parser's stack, whose last state
    decides whether a run may start.
    """
    ignored, states = table["ignored"], table["states"]
    offset = _end_of_gap(text, 0)
    while offset < len(text):
        if _accepts(states[path[-1]], _RUN):
            run = run_at(text, offset)
            if len(run.opened) > limits.NESTING_READ:
                raise TooDeepError
            yield from _tokens_of(text, run)
            if run.end > offset:
                offset = run.end
                continue
        match = _scanner(table["scanner"]).match(text, offset)
        if match is None:
            break
        kind = match.lastgroup or _INVALID
        if kind not in ignored:
            yield kind, _token(match[0], offset)
        offset = _end_of_gap(text, match.end())
    yield _END if offset == len(text) else _INVALID, _token("", offset)


def _tokens_of(text: str, run: Run) -> Iterator[tuple[str, Token | list[tree.Field]]]:
    """Yield the tokens of a run: its fields, and the names and brackets of the messages it leaves open."""
    fields = run.fields
    for message in run.opened:
        *before, field = fields
        if before:
            yield _RUN, before
        yield _NAME, _token(field.text, field.start)
        yield _OPENING[text[message.start]], _token(text[message.start], message.start)
        fields = message.fields
    if fields:
        yield _RUN, fields


def _end_of_gap(text: str, offset: int) -> int:
    """Return the offset after any whitespace and comments."""
    gap = _GAP.match(text, offset)
    return gap.end() if gap else offset


@cache
def _scanner(pattern: str) -> re.Pattern[str]:
    """Compile the scanner on first use: most input consists of runs only."""
    return re.compile(pattern)


def _accepts(state: State, kind: str) -> bool:
    return kind in state["shift"] or kind in state["reduce"]


def _token(text: str, start: int) -> Token:
    token = Token(text)
    token.start_pos = start
    return token


def _value(rule: Rule, parts: list[Any], actions: object) -> Any:
    children = list[Any]()
    for part, role in zip(parts, rule["expansion"], strict=True):
        if role == "kept":
            children.append(part)
        elif role == "inlined" and children:
            children += part
        elif role == "inlined":
            # Reusing the list instead of copying keeps left-recursive rules linear.
            children = part
    action = getattr(actions, rule["action"], None)
    return action(children) if action else children
