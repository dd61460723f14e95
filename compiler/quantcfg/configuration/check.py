"""A configuration's text, checked: what JSON does not allow, keys that stand twice, and the rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain

from quantcfg import limits
from quantcfg.configuration.places import Path, Places
from quantcfg.configuration.rules import Reading, findings
from quantcfg.diagnostics import Diagnostic, Report, catalogue, has_errors, related
from quantcfg.diagnostics.limited import limited
from quantcfg.jsontext import (
    Array,
    Member,
    Object,
    Scalar,
    Value,
    is_distinct,
    is_whole,
    keyed,
    parse,
    plain,
    removal,
)
from quantcfg.network import Edition, Network
from quantcfg.source import Source, Span
from quantcfg.values import small_value


def check_configuration(source: Source, network: Network | None, edition: Edition, report: Report) -> None:
    """Report all that AMCT would refuse in a configuration, edited by hand or not (reference 3.6)."""
    wrong: list[Diagnostic] = []
    tree = parse(source, wrong.append, wanted="a JSON configuration")
    report = limited(report)
    found = _findings(source, tree, network, edition, is_whole=not has_errors(wrong))
    for diagnostic in chain(wrong, found):
        report(diagnostic)


def _findings(
    source: Source, tree: Value, network: Network | None, edition: Edition, *, is_whole: bool
) -> Iterator[Diagnostic]:
    """Yield what is wrong by the tree; is_whole tells that all of the text could be read."""
    if isinstance(tree, Object):
        duplicates = list(_duplicates(tree, ()))
        unsettled = {each.path for each in duplicates if not each.is_same(source.text)}
        reading = Reading(plain(tree), network, edition, Places(source, tree), is_whole, unsettled)
        # More of them are not reported, and would take long to make.
        for each in duplicates[: limits.FINDINGS_OF_A_CODE + 1]:
            yield _duplicate(source, each, reading)
        yield from findings(reading)
    elif is_whole:
        span = Span(source, tree.start, tree.start + 1)
        yield catalogue.JSON_SYNTAX.at(span, expected='"{"', found=f'"{span.text}"')


@small_value
class _Duplicate:
    """A key that is repeated in its object."""

    path: Path
    parent: Object
    first: Member
    again: Member

    def is_same(self, text: str) -> bool:
        """Tell whether both have the same value, as far as they can be read."""
        first, again = self.first.value, self.again.value
        if text[first.start : first.end] == text[again.start : again.end]:
            return is_whole(first)
        if not is_whole(first) or not is_whole(again):
            return False
        return json.dumps(plain(first)) == json.dumps(plain(again))


def _duplicates(value: Value, path: Path) -> Iterator[_Duplicate]:
    """Yield the keys that are repeated in an object, or in an object in it."""
    if is_distinct(value):
        return
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
        if not isinstance(member.value, Scalar):
            yield from _duplicates(member.value, (*path, key))


def _duplicate(source: Source, duplicate: _Duplicate, reading: Reading) -> Diagnostic:
    first, again, is_same = duplicate.first.key, duplicate.again.key, duplicate.is_same(source.text)
    # A layer that was copied and not renamed must not be lost.
    is_layer = len(duplicate.path) == 1 and duplicate.path[0] not in reading.edition.schema.global_defaults
    help = "remove one of them" if is_same else "remove the wrong one"
    return catalogue.DUPLICATE_KEY.at(
        Span(source, again.start, again.end),
        key=duplicate.path[-1],
        related=related(Span(source, first.start, first.end), "first defined here"),
        help=_renaming_help(duplicate, reading) if is_layer else help,
        fix=[removal(source, duplicate.parent, duplicate.again)] if is_same and not is_layer else [],
    )


def _renaming_help(duplicate: _Duplicate, reading: Reading) -> str:
    """Return what to do about two layers of the same name."""
    is_copy = isinstance(duplicate.first.value, Object) and isinstance(duplicate.again.value, Object)
    if is_copy and reading.is_whole and len(reading.missing) == 1:
        return f'rename one of them: "{reading.missing[0]}" is missing'
    return "rename or remove one of them"
