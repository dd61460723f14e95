"""Duplicate keys of a configuration: JSON allows them, and AMCT uses the last one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from quantcfg import limits
from quantcfg.configuration.content import Content
from quantcfg.configuration.places import Path
from quantcfg.diagnostics import Diagnostic, Report, catalogue, related
from quantcfg.frozen import small_value
from quantcfg.jsontext import (
    Array,
    Member,
    Object,
    Scalar,
    Value,
    is_distinct,
    is_whole,
    keyed,
    plain,
    removal,
)
from quantcfg.source import Source, Span


@small_value
class Duplicate:
    """A key that is repeated in its object."""

    path: Path
    parent: Object
    first: Member
    again: Member

    def is_same(self, text: str) -> bool:
        """Return whether both values are equal, and could be read."""
        first, again = self.first.value, self.again.value
        if text[first.start : first.end] == text[again.start : again.end]:
            return is_whole(first)
        if not is_whole(first) or not is_whole(again):
            return False
        return json.dumps(plain(first)) == json.dumps(plain(again))


def find_duplicates(tree: Value, text: str) -> tuple[Sequence[Duplicate], AbstractSet[Path]]:
    """Return the duplicate keys that are shown, and the paths of all whose values differ.

    The others are not kept, as a file may have hundreds of thousands.
    """
    shown: list[Duplicate] = []
    unsettled: set[Path] = set()
    for each in _duplicates_in(tree, ()):
        if len(shown) <= limits.DIAGNOSTICS_PER_CODE:
            shown.append(each)
        if not each.is_same(text):
            unsettled.add(each.path)
    return shown, unsettled


def _duplicates_in(tree: Value, path: Path) -> Iterator[Duplicate]:
    """Yield the keys that are repeated in an object, or in an object in it."""
    if is_distinct(tree):
        return
    if isinstance(tree, Array):
        for index, item in enumerate(tree.items):
            yield from _duplicates_in(item, (*path, index))
    if not isinstance(tree, Object):
        return
    first: dict[str, Member] = {}
    for key, member in keyed(tree):
        earlier = first.setdefault(key, member)
        if earlier is not member:
            yield Duplicate((*path, key), tree, earlier, member)
        if not isinstance(member.value, Scalar):
            yield from _duplicates_in(member.value, (*path, key))


def check_duplicates(
    source: Source, duplicates: Sequence[Duplicate], content: Content, report: Report
) -> None:
    """Report duplicate keys."""
    for each in duplicates:
        report(_duplicate(source, each, content))


def _duplicate(source: Source, duplicate: Duplicate, content: Content) -> Diagnostic:
    first, again, is_same = duplicate.first.key, duplicate.again.key, duplicate.is_same(source.text)
    # Do not remove a layer that was copied but not renamed.
    is_layer = len(duplicate.path) == 1 and duplicate.path[0] not in content.edition.schema.global_keys
    help = "remove one of them" if is_same else "remove the wrong one"
    return catalogue.DUPLICATE_KEY.at(
        Span(source, again.start, again.end),
        key=duplicate.path[-1],
        related=related(Span(source, first.start, first.end), "first defined here"),
        help=_renaming_help(duplicate, content) if is_layer else help,
        fix=[removal(source, duplicate.parent, duplicate.again)] if is_same and not is_layer else [],
    )


def _renaming_help(duplicate: Duplicate, content: Content) -> str:
    """Return the help for two layers with the same name."""
    is_copy = isinstance(duplicate.first.value, Object) and isinstance(duplicate.again.value, Object)
    if is_copy and content.is_whole and len(content.missing) == 1:
        return f'rename one of them: "{content.missing[0]}" is missing'
    return "rename or remove one of them"
