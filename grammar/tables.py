"""Compile the grammar to a parse table, for the driver in quantcfg/textproto/parser.py.

Run by "make grammar", which writes grammar/textproto.json.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lark import Lark
from lark.grammar import Rule, Symbol, Terminal
from lark.lexer import BasicLexer, TerminalDef

from quantcfg import contracts

if TYPE_CHECKING:
    # Importing the parser needs the table, which may lack new terminals of the grammar.
    from quantcfg.textproto import parser

_Actions = Mapping[str, tuple[object, int | Rule]]
"""A state of lark's parser: the action for each symbol."""


def parse_table() -> parser.Table:
    """Return the parse table of the grammar with runs; the result is deterministic."""
    lark = Lark(
        contracts.grammar("textproto.lark") + contracts.grammar("runs.lark"),
        start="document",
        parser="lalr",
        lexer="basic",
        maybe_placeholders=False,
    )
    interactive = lark.parse_interactive("")
    lexer, table = interactive.lexer_thread.lexer, interactive.parser_state.parse_conf
    assert isinstance(lexer, BasicLexer)
    order = _numbered(table.states, table.start_state)
    return {
        "terminals": {each.name: each.pattern.to_regexp() for each in _terminals(lark)},
        "scanner": "|".join(f"(?P<{known.name}>{known.pattern.to_regexp()})" for known in lexer.terminals),
        "ignored": sorted(lexer.ignore_types),
        "start": order[table.start_state],
        "end": order[table.end_state],
        "rules": [_rule(rule) for rule in lark.rules],
        "states": [_state(table.states[state], order, lark.rules) for state in order],
    }


def _terminals(lark: Lark) -> list[TerminalDef]:
    """Return all terminals, including those that are used only inside others."""
    terminals, *_ = lark.grammar.compile(["document"], "*")
    return terminals


def _numbered(states: Mapping[int, _Actions], start: int) -> dict[int, int]:
    """Renumber the states in breadth-first order, as lark's numbers differ between processes."""
    order, unseen = {start: 0}, [start]
    for state in unseen:
        for _, (_, target) in sorted(states[state].items()):
            if isinstance(target, int) and target not in order:
                order[target] = len(order)
                unseen.append(target)
    return order


def _rule(rule: Rule) -> parser.Rule:
    return {
        "origin": str(rule.origin.name),
        "action": str(rule.alias or rule.origin.name),
        "expansion": [_role(symbol, rule) for symbol in rule.expansion],
    }


def _role(symbol: Symbol, rule: Rule) -> parser.Role:
    """Return the role of a symbol, by the rules of lark.parse_tree_builder."""
    if isinstance(symbol, Terminal):
        return "filtered" if symbol.filter_out and not rule.options.keep_all_tokens else "kept"
    return "inlined" if symbol.name.startswith("_") else "kept"


def _state(actions: _Actions, order: Mapping[int, int], rules: list[Rule]) -> parser.State:
    state: parser.State = {"shift": {}, "reduce": {}, "goto": {}}
    for symbol, (_, target) in sorted(actions.items()):
        if isinstance(target, Rule):
            state["reduce"][symbol] = rules.index(target)
        elif symbol.isupper():
            state["shift"][symbol] = order[target]
        else:
            state["goto"][symbol] = order[target]
    return state


def as_json(table: parser.Table) -> str:
    """Return a parse table as JSON, one rule or state per line."""
    entries = ",\n".join(f"{json.dumps(key)}: {_lines(value)}" for key, value in table.items())
    return f"{{\n{entries}\n}}\n"


def _lines(value: object) -> str:
    if isinstance(value, dict):
        return (
            "{\n"
            + ",\n".join(f"  {json.dumps(key)}: {json.dumps(each)}" for key, each in value.items())
            + "\n}"
        )
    if not isinstance(value, list):
        return json.dumps(value)
    return "[\n" + ",\n".join(f"  {json.dumps(each)}" for each in value) + "\n]"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(as_json(parse_table()), encoding="utf-8")
