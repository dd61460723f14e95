"""A configuration's text, checked: what JSON does not allow, keys that stand twice, and the rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from quantcfg.caffe import Network
from quantcfg.configuration.places import Path, Places, places_of
from quantcfg.configuration.rules import findings
from quantcfg.diagnostics import Diagnostic, Report, catalogue, has_errors, related
from quantcfg.jsontext import Array, Member, Object, Value, keyed, parse, plain, removal
from quantcfg.source import Source, Span


def check_configuration(source: Source, network: Network | None, report: Report) -> None:
    """Report all that AMCT would refuse in a configuration, edited by hand or not (reference 3.6).

    Where nothing is wrong, Python's own reader is all that the text needs; only
    a mistake is worth a syntax tree, to show its place.
    """
    if _is_in_order(source.text, network):
        return
    found: list[Diagnostic] = []
    tree = parse(source, found.append)
    is_whole = not has_errors(found)
    found += _duplicates(source, tree, ())
    if isinstance(tree, Object):
        found += findings(plain(tree), network, places_of(source, tree), is_whole=is_whole)
    elif is_whole:
        span = Span(source, tree.start, tree.start + 1)
        found.append(catalogue.JSON_SYNTAX.at(span, expected='"{"', found=f'"{span.text}"'))
    for diagnostic in found:
        report(diagnostic)


def _is_in_order(text: str, network: Network | None) -> bool:
    try:
        config = json.loads(text, object_pairs_hook=_distinct, parse_constant=_refused)
        return isinstance(config, dict) and next(findings(config, network, Places()), None) is None
    except (ValueError, RecursionError):
        return False


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key stands twice")
    return members


def _refused(word: str) -> None:
    raise ValueError(word)


def _duplicates(source: Source, value: Value, path: Path) -> Iterator[Diagnostic]:
    """Yield what is to be said of keys that stand twice in their object."""
    if isinstance(value, Array):
        for index, item in enumerate(value.items):
            yield from _duplicates(source, item, (*path, index))
    if not isinstance(value, Object):
        return
    first: dict[str, Member] = {}
    for key, member in keyed(value):
        earlier = first.setdefault(key, member)
        if earlier is not member:
            same = _is_same(earlier.value, member.value)
            place = related(Span(source, earlier.key.start, earlier.key.end), "it stands here first")
            yield catalogue.DUPLICATE_KEY.at(
                Span(source, member.key.start, member.key.end),
                key=key,
                where=f'"{path[-1]}"' if path else "the configuration",
                related=place,
                help=None if same else "keep the one that is meant",
                fix=[removal(source, value, member)] if same else [],
            )
        yield from _duplicates(source, member.value, (*path, key))


def _is_same(one: Value, other: Value) -> bool:
    return json.dumps(plain(one)) == json.dumps(plain(other))
