"""Report layer types of other editions of AMCT, with the types that correspond to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from quantcfg.contracts.foreign import title
from quantcfg.diagnostics import Related, Report, catalogue
from quantcfg.diagnostics.phrases import alternatives, quoted
from quantcfg.network import Edition
from quantcfg.plan.request import Request
from quantcfg.plan.settings import Setting
from quantcfg.source import Span

_MAX_RELATED = 5


def check_types(request: Request, edition: Edition, report: Report) -> None:
    """Report the layer types of other editions, once for each edition: a request is written for one."""
    unknown = [name for name in _named(request) if name.value not in edition.layer_types.known]
    for other, types in edition.foreign_types.items():
        foreign = [name for name in unknown if name.value in types]
        unknown = [name for name in unknown if name.value not in types]
        if foreign:
            _report(foreign, title(other), types, edition, report)


def named_types(request: Request) -> Mapping[str, Span | None]:
    """Return the layer types that a request names, with the first place of each."""
    return {name.value: name.span for name in reversed(_named(request))}


def _named(request: Request) -> list[Setting[str]]:
    overrides = [override.target for override in request.type_overrides if override.is_written]
    return [*request.skip_layer_types, *overrides]


def _report(
    names: Sequence[Setting[str]],
    owner: str,
    types: Mapping[str, Sequence[str]],
    edition: Edition,
    report: Report,
) -> None:
    distinct = list(dict.fromkeys(name.value for name in names))
    is_one = len(distinct) == 1
    help = ", ".join(f"{alternatives(types[name])} for {name}" for name in distinct)
    report(
        catalogue.UNQUANTIZABLE_TYPE.at(
            names[0].span,
            names=f"{quoted(distinct)} {'is' if is_one else 'are'}",
            what=f"{'a layer type' if is_one else 'layer types'} of {edition.title}, but of {owner}",
            related=[Related(name.span, "and here") for name in _others(names) if name.span],
            help=f"use {help}",
        )
    )


def _others(names: Sequence[Setting[str]]) -> list[Setting[str]]:
    """Return the names to point at after the first one: each distinct name at least once, if possible."""
    first = {id(name) for name in {name.value: name for name in reversed(names)}.values()}
    shown = sorted(names[1:], key=lambda name: id(name) not in first)[: _MAX_RELATED - 1]
    ids = {*map(id, shown)}
    return [name for name in names if id(name) in ids]
