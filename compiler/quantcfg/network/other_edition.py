"""Recognize a file that is written for another edition, by the names in it that are not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType

from quantcfg.contracts import foreign
from quantcfg.diagnostics import Diagnostic, Related, catalogue, related
from quantcfg.diagnostics.phrases import alternatives, quoted
from quantcfg.frozen import replace
from quantcfg.network.edition import Edition
from quantcfg.source import Span

_UNKNOWN = {
    catalogue.UNKNOWN_FIELD.code: "fields",
    catalogue.UNKNOWN_KEY.code: "keys",
    catalogue.NO_SUCH_LAYER.code: "keys",
    catalogue.UNQUANTIZABLE_TYPE.code: "types",
}
"""The errors about unknown names, and the kind of these names."""

_MAX_RELATED = 4

Types = Mapping[str, Span | None]
"""The layer types in a file, with the first place of each."""

_NO_TYPES: Types = MappingProxyType({})


def without_foreign_names(
    found: Sequence[Diagnostic], edition: Edition, types: Types = _NO_TYPES
) -> Sequence[Diagnostic]:
    """Return the diagnostics of a file that is checked without a model, which may be for another edition.

    If all unknown names in the file are names of one other edition, one error replaces those
    about them. A name that further editions have as well is not enough. Otherwise the
    help for such a name says that the other edition has it.
    """
    for other in _others(edition):
        unknown, is_all = _foreign(found, other, edition)
        if unknown and is_all:
            own = {name: types[name] for name in types if name in _own_types(other, edition)}
            error = _mixture(unknown, own, other, edition) if own else _error(unknown, other, edition)
            return [error, *_rest(found, unknown)]
        ids = {*map(id, unknown)}
        found = [_with_edition(each, other) if id(each) in ids else each for each in found]
    return found


def with_one_error(
    found: Sequence[Diagnostic], edition: Edition, types: Types = _NO_TYPES
) -> Sequence[Diagnostic]:
    """Return the diagnostics of a request that is checked with a model, which may be for another edition.

    If all unknown names are fields and layer types of one other edition, and no type is one of
    this edition only, one error replaces several. It names what to use instead. Fields
    alone do not identify the edition of a request, so each of them is reported.
    """
    for other in _others(edition):
        unknown, is_all = _foreign(found, other, edition)
        has_types = any(_UNKNOWN[each.code] == "types" for each in unknown)
        if is_all and has_types and len(unknown) > 1 and not types.keys() & _own_types(other, edition):
            error = replace(_error(unknown, other, edition), help=_instead(unknown, other, edition))
            return [error, *_rest(found, unknown)]
    return found


def _others(edition: Edition) -> Iterable[str]:
    """Yield the names of the other editions that have names of their own."""
    return (name for name in foreign.editions() if name != edition.name)


def _foreign(found: Sequence[Diagnostic], other: str, edition: Edition) -> tuple[list[Diagnostic], bool]:
    """Return the errors about names of another edition only, and whether these are all unknown names."""
    unknown = [each for each in found if each.code in _UNKNOWN and each.span]
    names = _names(other, edition) if unknown else {}
    of_other = [each for each in unknown if _spans(each).keys() <= names[_UNKNOWN[each.code]]]
    if len(of_other) == len(unknown):
        return ([], False) if _is_common(_named(unknown)) else (of_other, True)
    return [each for each in of_other if not _is_common(_spans(each))], False


def _names(other: str, edition: Edition) -> Mapping[str, AbstractSet[str]]:
    """Return the names by kind that another edition has and this one does not."""
    return {
        "fields": foreign.fields_of(other),
        "keys": foreign.keys_of(other),
        "types": edition.foreign_types[other].keys(),
    }


def _own_types(other: str, edition: Edition) -> AbstractSet[str]:
    """Return the quantizable layer types that another edition does not have."""
    return {*edition.layer_types.quantizable}.difference(foreign.types_of(other))


def _is_common(names: Iterable[str]) -> bool:
    """Return whether all names are fields of editions that are not supported."""
    return foreign.fields_elsewhere() >= {*names}


def _spans(diagnostic: Diagnostic) -> Mapping[str, Span]:
    """Return the names that an error is about, with the first place of each."""
    spans = [span for span in (diagnostic.span, *(each.span for each in diagnostic.related)) if span]
    ordered = sorted(spans, key=lambda span: span.start, reverse=True)
    return {span.text.strip("\"'"): span for span in ordered}


def _named(unknown: Iterable[Diagnostic]) -> Mapping[str, Span]:
    """Return the names that errors are about, in the order of their first places."""
    first: dict[str, Span] = {}
    for each in unknown:
        for name, span in _spans(each).items():
            first[name] = min(span, first.get(name, span), key=lambda span: span.start)
    return dict(sorted(first.items(), key=lambda item: item[1].start))


def _rest(found: Sequence[Diagnostic], unknown: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield the other diagnostics, without notes that not all of the errors are shown."""
    replaced, codes = {*map(id, unknown)}, {each.code for each in unknown}
    for each in found:
        is_limit = each.code == catalogue.MORE_NOT_SHOWN.code and any(code in each.message for code in codes)
        if id(each) not in replaced and not is_limit:
            yield each


def _with_edition(diagnostic: Diagnostic, other: str) -> Diagnostic:
    """Return an error about a name of another edition whose help names that edition as well."""
    steps = filter(None, (f"use --edition {other}", diagnostic.help))
    return replace(diagnostic, help=", or ".join(steps))


def _error(unknown: Sequence[Diagnostic], other: str, edition: Edition) -> Diagnostic:
    return _at(
        _named(unknown),
        f"is for {foreign.title(other)}, not for {edition.title}",
        f'use --edition {other}, or write edition = "{other}" in quantcfg.toml',
    )


def _mixture(unknown: Sequence[Diagnostic], own: Types, other: str, edition: Edition) -> Diagnostic:
    """Return the error for a file with names of another edition and layer types of this one only."""
    named, title = _named(unknown), foreign.title(other)
    kind = "types" if all(_UNKNOWN[each.code] == "types" for each in unknown) else "names"
    error = _at(
        named,
        f"mixes {kind} of {edition.title} and {title}",
        f"{_instead(unknown, other, edition)}, or use --edition {other} and the {kind} of {title}",
        also=own,
    )
    places = [place for span in own.values() for place in related(span, f"a type of {edition.title}")]
    return replace(error, related=(*error.related, *places))


def _at(named: Mapping[str, Span], problem: str, help: str, also: Iterable[str] = ()) -> Diagnostic:
    first, *others = named.values()
    return catalogue.OTHER_EDITION.at(
        first,
        problem=problem,
        names=quoted([*named, *also]),
        related=[Related(span, "and here") for span in others[:_MAX_RELATED]],
        help=help,
    )


def _instead(unknown: Sequence[Diagnostic], other: str, edition: Edition) -> str:
    """Return the help that says what to use instead of the names of another edition."""
    named = _named(unknown)
    used = {name: _counterpart(name, other, edition) for name in named}
    uses = [f"{each} for {name}" for name, each in used.items() if each]
    removed = [name for name, each in used.items() if not each]
    steps = [("use", uses), ("remove", removed)]
    return " and ".join(f"{verb} {', '.join(names)}" for verb, names in steps if names)


def _counterpart(name: str, other: str, edition: Edition) -> str | None:
    """Return what corresponds to a field or a layer type of another edition, None if nothing does."""
    types = edition.foreign_types[other].get(name)
    if types:
        return alternatives(types)
    return foreign.replacement(name)
