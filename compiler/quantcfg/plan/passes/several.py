"""Several names in one string: "conv1, conv2", or adjacent strings, which protobuf concatenates."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Container, Iterable, Set

from quantcfg.diagnostics import Edit
from quantcfg.frozen import frozen_value
from quantcfg.plan.settings import Setting
from quantcfg.source import Span
from quantcfg.textproto import Place, tree

_SEPARATORS = re.compile(r"[\s,;]+")
_MAX_SHOWN = 5


@frozen_value
class Several:
    """The names in one string; are_adjacent: each is a string of its own, without commas between them."""

    names: tuple[str, ...]
    are_adjacent: bool = False

    def can_all_be_in(self, possible: Container[str], taken: Set[str]) -> bool:
        """Return whether all names are possible, distinct, and not taken."""
        distinct = set(self.names)
        return (
            len(distinct) == len(self.names)
            and distinct.isdisjoint(taken)
            and all(name in possible for name in self.names)
        )


def several(name: Setting[str], known: Collection[str], *, is_slip: bool) -> Several | None:
    """Return the names that an unknown name consists of, or None if it is a single name.

    is_slip: the name is a misspelling of a known name.
    """
    names = separated(name.value, known, is_slip=is_slip)
    if names:
        return Several(names)
    names = tuple(_decoded(literal) for literal in _literals(name.origin.place))
    is_list = len(names) > 1 and any(each in known for each in names)
    return Several(names, are_adjacent=True) if is_list else None


def separated(name: str, known: Collection[str], *, is_slip: bool) -> tuple[str, ...]:
    """Split a name at commas, semicolons and whitespace; return no names if it is a single one."""
    names = tuple(each for each in _SEPARATORS.split(name) if each)
    is_list = ("," in name or ";" in name) and not is_slip
    return names if len(names) > 1 and (is_list or any(each in known for each in names)) else ()


def separation_help(meant: Several) -> str:
    """Return the help for several names in one string of a list; only the first few are shown."""
    more = ", ..." if len(meant.names) > _MAX_SHOWN else ""
    items = f"[{joined(meant.names[:_MAX_SHOWN])}{more}]"
    if meant.are_adjacent:
        return f"write {items}: adjacent strings are joined"
    return f"write one string per name: {items}"


def joined(names: Iterable[str]) -> str:
    """Return names as the items of a list, in text format or JSON."""
    return ", ".join(json.dumps(name, ensure_ascii=False) for name in names)


def separating_edits(place: Place, meant: Several) -> list[Edit]:
    """Return the edits that write each name of a list field as a separate string."""
    span, ends = place.span, [literal.end for literal in _literals(place)]
    opening, closing = ("", "") if place.value is not place.field.value else ("[", "]")
    if not meant.are_adjacent:
        return [] if "\n" in span.text else [Edit(span, opening + joined(meant.names) + closing)]
    insertions = [(span.start, opening), *((end, ",") for end in ends[:-1]), (span.end, closing)]
    return [Edit(Span(span.source, at, at), text) for at, text in insertions if text]


def _literals(place: Place | None) -> tuple[tree.Literal, ...]:
    return place.value.parts if place and isinstance(place.value, tree.String) else ()


def _decoded(literal: tree.Literal) -> str:
    from quantcfg.textproto.literals import decode_string

    decoded = decode_string(tree.string_of([literal]))
    return decoded.decode(errors="replace") if isinstance(decoded, bytes) else literal.text
