"""A driver for an LALR(1) parse table: reads a text as lark would, by the table made by grammar/tables.py.

Where there is a run of plain fields (runs.py), it is one token. The driver only
tells that there is a mistake; what it is, and how to read on, is for lark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Literal, TypedDict

from quantcfg import contracts, limits
from quantcfg.textproto.runs import Run, run_at
from quantcfg.textproto.tree import Field

_END = "$END"
_RUN, _NAME = "RUN", "IDENT"
_OPENING = {"{": "LBRACE", "<": "LESSTHAN"}
_GAP = re.compile(contracts.terminal("_GAP"))
_STATES_OF_A_LEVEL = 5
"""At most how many states one more message around takes: its name, ":", "[", "{" and the fields before it."""

_NOTHING = ""
"""The kind of token that no state takes."""


class Token(str):
    """A piece of the text, and where it stands; it is like a token of lark's."""

    __slots__ = ("start_pos",)

    start_pos: int

    @property
    def end_pos(self) -> int:
        """Where it ends."""
        return self.start_pos + len(self)


Role = Literal["kept", "inlined", "filtered"]
"""What becomes of a part of a rule: it is given to the action, or what is in it is, or nothing."""


class Rule(TypedDict):
    """A rule: the symbol that it makes, the action that makes its value, and the roles of its parts."""

    origin: str
    action: str
    expansion: list[Role]


class State(TypedDict):
    """A state: which state a token or a symbol leads to, and by which rule to reduce before a token."""

    shift: dict[str, int]
    reduce: dict[str, int]
    goto: dict[str, int]


class Table(TypedDict):
    """What lark makes of a grammar; states and rules are known by their numbers."""

    terminals: dict[str, str]
    scanner: str
    ignored: list[str]
    start: int
    end: int
    rules: list[Rule]
    states: list[State]


class TooDeepError(Exception):
    """A text is nested deeper than limits.NESTING_READ."""


def parse(text: str, table: Table, actions: object) -> Any:
    """Return what the actions make of a text, or None if it has a mistake.

    An action is a method with the name of a rule, and takes a list of values
    and tokens. The value of a rule without an action is that list.

    Raises:
        TooDeepError: the text is nested too deep to be read.

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


def _tokens(text: str, table: Table, path: Sequence[int]) -> Iterator[tuple[str, Token | list[Field]]]:
    """Yield the kinds of all tokens and the tokens, of a run its fields; then the end, or what is no token.

    path ends at the state that the next token is for.
    """
    ignored, states = table["ignored"], table["states"]
    offset = _end_of_gap(text, 0)
    while offset < len(text):
        if _takes(states[path[-1]], _RUN):
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
        kind = match.lastgroup or _NOTHING
        if kind not in ignored:
            yield kind, _token(match[0], offset)
        offset = _end_of_gap(text, match.end())
    yield _END if offset == len(text) else _NOTHING, _token("", offset)


def _tokens_of(text: str, run: Run) -> Iterator[tuple[str, Token | list[Field]]]:
    """Yield the tokens of a run: its fields, and what opens the messages that it does not end."""
    for before, name, start, bracket in run.opened:
        if before:
            yield _RUN, before
        yield _NAME, _token(name, start)
        yield _OPENING[text[bracket]], _token(text[bracket], bracket)
    if run.fields:
        yield _RUN, run.fields


def _end_of_gap(text: str, offset: int) -> int:
    """Return where the whitespace and comments at an offset end, all taken at once."""
    gap = _GAP.match(text, offset)
    return gap.end() if gap else offset


@cache
def _scanner(pattern: str) -> re.Pattern[str]:
    """Return the scanner of a table, compiled for the first token that is no run: many texts have none."""
    return re.compile(pattern)


def _takes(state: State, kind: str) -> bool:
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
            # The list is not copied, so that one that grows at its end takes time in step with its length.
            children = part
    action = getattr(actions, rule["action"], None)
    return action(children) if action else children
