"""Recognize a file that is written for another edition, by the names in it that are not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from quantcfg import contracts
from quantcfg.diagnostics import Diagnostic, catalogue, related
from quantcfg.diagnostics.phrases import quoted
from quantcfg.network.edition import Edition

_UNKNOWN = {
    catalogue.UNKNOWN_FIELD.code: "fields",
    catalogue.UNKNOWN_KEY.code: "keys",
    catalogue.NO_SUCH_LAYER.code: "keys",
    catalogue.UNQUANTIZABLE_TYPE.code: "types",
}
"""The errors about unknown names, and the kind of these names."""

_MAX_RELATED = 5


def without_foreign_names(found: Sequence[Diagnostic], edition: Edition) -> Sequence[Diagnostic]:
    """Return diagnostics with one error instead of those about names of another edition.

    They are unchanged unless all unknown names in the file are names of one other edition.
    A name that further editions have as well is not enough.
    """
    unknown = [each for each in found if each.code in _UNKNOWN and each.span]
    for other in _others(edition) if unknown else ():
        names = _names(other, edition)
        is_other = all(_name(each) in names[_UNKNOWN[each.code]] for each in unknown)
        if is_other and not _is_common(map(_name, unknown), edition):
            replaced = {*map(id, unknown)}
            limits = [each for each in found if _is_limit_of(each, unknown)]
            rest = [each for each in found if id(each) not in replaced and each not in limits]
            return [_error(unknown, other, edition), *rest]
    return found


def _others(edition: Edition) -> Iterable[str]:
    """Yield the names of the other editions that have names of their own."""
    table = contracts.schema(edition.foreign)
    listed = [*(known.get("editions", ()) for known in table["fields"].values()), *table["keys"].values()]
    return dict.fromkeys(name for names in listed for name in names if name != edition.name)


def _names(other: str, edition: Edition) -> Mapping[str, AbstractSet[str]]:
    """Return the names by kind that another edition has and this one does not."""
    table, title = contracts.schema(edition.foreign), edition.titles[other]
    return {
        "fields": {name for name, known in table["fields"].items() if other in known.get("editions", ())},
        "keys": {name for name, names in table["keys"].items() if other in names},
        "types": edition.foreign_types[title].keys(),
    }


def _is_common(names: Iterable[str], edition: Edition) -> bool:
    """Return whether all names are fields of editions that are not supported."""
    fields = contracts.schema(edition.foreign)["fields"]
    return all("editions" not in fields.get(name, {"editions": ()}) for name in names)


def _name(diagnostic: Diagnostic) -> str:
    assert diagnostic.span
    return diagnostic.span.text.strip("\"'")


def _is_limit_of(diagnostic: Diagnostic, unknown: Iterable[Diagnostic]) -> bool:
    """Return whether a note says that not all of some errors are shown."""
    codes = {each.code for each in unknown}
    return diagnostic.code == catalogue.MORE_NOT_SHOWN.code and any(
        code in diagnostic.message for code in codes
    )


def _error(unknown: Sequence[Diagnostic], other: str, edition: Edition) -> Diagnostic:
    first, *rest = sorted(unknown, key=lambda each: each.span.start if each.span else 0)
    return catalogue.OTHER_EDITION.at(
        first.span,
        owner=edition.titles[other],
        edition=edition.title,
        names=quoted(dict.fromkeys(map(_name, (first, *rest)))),
        related=[place for each in rest[: _MAX_RELATED - 1] for place in related(each.span, "and here")],
        help=f'use --edition {other}, or write edition = "{other}" in quantcfg.toml',
    )
