"""What is said of the keys and values of a JSON configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from quantcfg.configuration import Path, Places, places_in
from quantcfg.jsontext import Object, Value, plain
from quantcfg.lsp.document import Document
from quantcfg.lsp.reach import block, explanation
from quantcfg.network import Network
from quantcfg.output import allowed
from quantcfg.provenance import words
from quantcfg.source import Span


def meaning(document: Document, offset: int, requests: Iterable[Document]) -> tuple[str, Span] | None:
    """Return what is said, in Markdown, of the key or the value at an offset, and where that stands.

    The first of the requests says where a value comes from.
    """
    places = places_in(document.source)
    found = min(_at(places, offset), key=lambda each: each[1].end - each[1].start, default=None)
    if found is None:
        return None
    path, node = found
    request = next(iter(requests), None)
    origin = _origin(path, request) if request else ()
    said = "\n\n".join([*_said(path, places, document), *origin])
    return (said, Span(document.source, node.start, node.end)) if said else None


def _at(places: Places, offset: int) -> Iterator[tuple[Path, Value]]:
    """Yield the keys and the values at an offset, except objects, with their paths."""
    for path, value, member in places.all():
        if member and member.key.start <= offset <= member.key.end:
            yield path, member.key
        if not isinstance(value, Object) and value.start <= offset <= value.end:
            yield path, value


def _said(path: Path, places: Places, document: Document) -> Iterator[str]:
    schema, keys = document.edition.schema, [step for step in path if isinstance(step, str)]
    if len(keys) == 1 and keys[0] not in schema.global_defaults:
        yield from _layer(keys[0], document.network)
    around = places.node(tuple(keys[:-1]))
    known = schema.at(keys, plain(around) if isinstance(around, Object) else {})
    if known:
        facts = [known.get("title", ""), allowed(known)]
        facts += [f"default {words.value(known['default'])}"] if "default" in known else []
        yield f"**{keys[-1]}**: {'; '.join(filter(None, facts))}"
        yield from filter(None, [known.get("description")])


def _origin(path: Path, request: Document) -> Iterator[str]:
    """Yield what gives a value in the configuration that a request compiles to."""
    plan = request.plan
    if plan is None or request.network is None:
        return
    key, *inner = path
    provenance = explanation(plan, str(key))
    values = [
        (each, [value for value in each.values if _is_in(inner, value.path)]) for each in provenance.layers
    ]
    layers = tuple(replace(each, values=tuple(found)) for each, found in values if found)
    if layers or provenance.network:
        yield f"In {request.source.name}:"
        yield block(replace(provenance, layers=layers))


def _is_in(inner: Sequence[str | int], path: Path) -> bool:
    """Tell whether a path of a layer's value starts as another one does."""
    return path[: len(inner)] == tuple(inner)


def _layer(name: str, network: Network | None) -> Iterator[str]:
    """Yield what the model says of a layer."""
    layer = network.by_name.get(name) if network else None
    if layer:
        yield f"**{layer.name}**, {layer.type}{words.at(layer.span)}"
        if layer.obstacle:
            yield f"It cannot be quantized: {layer.obstacle}."
        if layer.fusion:
            yield f"Fused: {' + '.join(layer.fusion)}"
