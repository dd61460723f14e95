"""A configuration's text, checked: what JSON does not allow, keys that stand twice, and the rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from quantcfg.caffe import Network
from quantcfg.configuration.places import Path, places_of
from quantcfg.configuration.rules import Reading, findings
from quantcfg.diagnostics import Diagnostic, Report, catalogue, has_errors, related
from quantcfg.diagnostics.limited import limited
from quantcfg.jsontext import Array, Member, Object, Value, is_whole, keyed, parse, plain, removal
from quantcfg.source import Source, Span
from quantcfg.values import frozen_value


def check_configuration(source: Source, network: Network | None, report: Report) -> None:
    """Report all that AMCT would refuse in a configuration, edited by hand or not (reference 3.6).

    Where nothing is wrong, Python's own reader is all that the text needs; only
    a mistake is worth a syntax tree, to show its place.
    """
    if _is_in_order(source.text, network):
        return
    wrong: list[Diagnostic] = []
    tree = parse(source, wrong.append)
    report = limited(report)
    for diagnostic in chain(wrong, _findings(source, tree, network, is_whole=not has_errors(wrong))):
        report(diagnostic)


def _is_in_order(text: str, network: Network | None) -> bool:
    try:
        config = json.loads(text, object_pairs_hook=_distinct, parse_constant=_refused)
        return isinstance(config, dict) and next(findings(Reading(config, network)), None) is None
    except (ValueError, RecursionError):
        return False


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key stands twice")
    return members


def _refused(word: str) -> None:
    raise ValueError(word)


def _findings(
    source: Source, tree: Value, network: Network | None, *, is_whole: bool
) -> Iterator[Diagnostic]:
    """Yield what is wrong by the tree; is_whole tells that all of the text could be read."""
    duplicates = list(_duplicates(tree, ()))
    yield from (_duplicate(source, duplicate) for duplicate in duplicates)
    if isinstance(tree, Object):
        unsettled = {each.path for each in duplicates if not each.is_same}
        yield from findings(Reading(plain(tree), network, places_of(source, tree), is_whole, unsettled))
    elif is_whole:
        span = Span(source, tree.start, tree.start + 1)
        yield catalogue.JSON_SYNTAX.at(span, expected='"{"', found=f'"{span.text}"')


@frozen_value
class _Duplicate:
    """A key that stands again in its object."""

    path: Path
    parent: Object
    first: Member
    again: Member

    @property
    def is_same(self) -> bool:
        """Whether both have the same value, as far as they can be read."""
        if not is_whole(self.first.value) or not is_whole(self.again.value):
            return False
        return json.dumps(plain(self.first.value)) == json.dumps(plain(self.again.value))


def _duplicates(value: Value, path: Path) -> Iterator[_Duplicate]:
    """Yield the keys that stand again in an object, or in an object in it."""
    if isinstance(value, Array):
        for index, item in enumerate(value.items):
            yield from _duplicates(item, (*path, index))
    if not isinstance(value, Object):
        return
    first: dict[str, Member] = {}
    for key, member in keyed(value):
        earlier = first.setdefault(key, member)
        if earlier is not member:
            yield _Duplicate((*path, key), value, earlier, member)
        yield from _duplicates(member.value, (*path, key))


def _duplicate(source: Source, duplicate: _Duplicate) -> Diagnostic:
    *parents, key = duplicate.path
    named = next((step for step in reversed(parents) if isinstance(step, str)), None)
    first, again = duplicate.first.key, duplicate.again.key
    return catalogue.DUPLICATE_KEY.at(
        Span(source, again.start, again.end),
        key=key,
        where="the configuration" if named is None else f'"{named}"',
        related=related(Span(source, first.start, first.end), "it stands here first"),
        help="leave one of them out" if duplicate.is_same else "keep the one that is meant",
        fix=[removal(source, duplicate.parent, duplicate.again)] if duplicate.is_same else [],
    )
