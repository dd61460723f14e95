"""Names in a request that name nothing, or something twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from quantcfg.caffe import Layer, Network, capabilities
from quantcfg.diagnostics import Report, catalogue, related
from quantcfg.diagnostics.suggest import did_you_mean
from quantcfg.diagnostics.words import quoted
from quantcfg.plan.settings import Setting

_MOST_COMPARISONS = 20_000


def distinct(names: Iterable[Setting[str]], field: str, report: Report) -> tuple[Setting[str], ...]:
    """Return each name once, after reporting those that stand in the list again."""
    first: dict[str, Setting[str]] = {}
    for name in names:
        earlier = first.setdefault(name.value, name)
        if earlier is not name:
            first_place = related(earlier.span, "named here first")
            report(catalogue.REPEATED_NAME.at(name.span, name=name.value, field=field, related=first_place))
    return tuple(first.values())


def known_layers(
    names: Iterable[Setting[str]], network: Network, report: Report
) -> Iterator[tuple[Setting[str], Layer]]:
    """Yield the names that are those of layers, and the layers, after reporting the other names.

    With many names that no layer has, the request is for another network, and
    what each was meant to be is not worth the time to find out.
    """
    unknown = 0
    most = _MOST_COMPARISONS // max(1, len(network.by_name))
    for name in names:
        layer = network.by_name.get(name.value)
        if layer:
            yield name, layer
            continue
        help = did_you_mean(name.value, network.by_name) if unknown <= most else None
        unknown += 1
        report(catalogue.UNKNOWN_LAYER.at(name.span, layer=name.value, help=help))


def report_unquantizable_type(layer_type: Setting[str], report: Report) -> bool:
    """Report a name that is no quantizable type; tell whether it is one."""
    known = capabilities.quantizable_types()
    if layer_type.value in known:
        return True
    help = did_you_mean(layer_type.value, known) or f"the quantizable types are {quoted(known)}"
    report(catalogue.UNQUANTIZABLE_TYPE.at(layer_type.span, type=layer_type.value, help=help))
    return False
