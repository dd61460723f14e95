"""Hovers: what a name or a value means, and its effect in this file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from quantcfg.configuration import Path, Places, places_in
from quantcfg.diagnostics.phrases import counted, quoted
from quantcfg.emit import allowed
from quantcfg.frozen import frozen_value, replace
from quantcfg.jsontext import Object, Value, plain
from quantcfg.lsp import fields
from quantcfg.lsp.document import Document, fields_at, path_of, string_at, text_of
from quantcfg.lsp.reach import block, explanation, layers_of_value, reached_in
from quantcfg.network import Edition, Network
from quantcfg.plan import LayerPlan
from quantcfg.provenance import LayerExplanation, Provenance, words
from quantcfg.provenance.levels import replacing
from quantcfg.source import Span
from quantcfg.textproto import tree


@frozen_value
class Hover:
    """The Markdown text to show for a span."""

    text: str
    span: Span


def hover(document: Document, offset: int, requests: Iterable[Document] = ()) -> Hover | None:
    """Return the hover for the name or value at an offset, None if there is none.

    requests are quant.cfg files that a configuration may come from; the first one is used.
    Paths are shown relative to the directory of the document.
    """
    found = _hover(document, offset, requests)
    directory = os.path.join(os.path.dirname(document.source.name), "")
    return Hover(found.text.replace(directory, ""), found.span) if found else None


def _hover(document: Document, offset: int, requests: Iterable[Document]) -> Hover | None:
    if document.is_configuration:
        return _in_configuration(document, offset, requests)
    found = fields_at(document, offset) if document.is_request else []
    if not found:
        return None
    field = found[-1]
    on_name = field.name.start <= offset <= field.name.end
    if not on_name and not isinstance(field.value, tree.Message):
        string = string_at(document, offset)
        if string and (text := _of_name(document, path_of(found), string)):
            return Hover(text, document.span(string))
    elif not on_name:
        return None
    path = path_of(found)
    text = "\n\n".join([*_meaning(document.edition, path), *_effect(document, path, field)])
    return Hover(text, document.span(field.name if on_name else field.value)) if text else None


def _meaning(edition: Edition, path: Sequence[str]) -> Iterator[str]:
    field = fields.field_at(edition.request, path)
    if field is not None:
        yield f"**{field.name}**: {fields.facts(edition.schema, path, field)}"
        yield from filter(None, [fields.comment(field)])


def _effect(document: Document, path: Sequence[str], field: tree.Field) -> Iterator[str]:
    """Yield the effect of a field: the layers that it applies to, and what it overrides."""
    plan = document.plan
    if plan is None or document.network is None:
        return
    if isinstance(field.value, tree.Message):
        for each in reached_in(plan, field):
            yield f"Applies to {_listed(each.layers)}."
            for lower in each.replaced:
                yield f"For these layers, {replacing(each.calibration, lower)}{words.at(lower.span)}."
    elif len(path) == 1 and path[0] in plan.values:
        yield block(explanation(plan, path[0]))
    elif reached := layers_of_value(plan, document.span(field.value)):
        yield f"Effective in {_listed([layer for layer, _ in reached])}."
        layer, value = reached[0]
        yield block(Provenance(layers=(replace(layer, values=(value,)),)))


def _listed(layers: Sequence[LayerPlan | LayerExplanation]) -> str:
    if not layers:
        return "no layer"
    return f"{counted(len(layers), 'layer')}: {quoted(layer.layer.name for layer in layers)}"


def _of_name(document: Document, path: Sequence[str], string: tree.String) -> str | None:
    """Return the text for a string that is a layer name or a layer type."""
    name, network, plan = text_of(string), document.network, document.plan
    known = fields.known_at(network, path) if network else None
    if name is None or network is None or plan is None or known is None or name not in known.names:
        return None
    if known.are_layers:
        return block(explanation(plan, name))
    return f"**{name}**: {_listed([layer for layer in plan.layers if layer.layer.type == name])}"


def _in_configuration(document: Document, offset: int, requests: Iterable[Document]) -> Hover | None:
    places = places_in(document.source)
    found = min(_at(places, offset), key=lambda each: each[1].end - each[1].start, default=None)
    if found is None:
        return None
    path, node = found
    request = next(iter(requests), None)
    origin = _origin(path, request) if request else ()
    text = "\n\n".join([*_meaning_of_key(path, places, document), *origin])
    return Hover(text, Span(document.source, node.start, node.end)) if text else None


def _at(places: Places, offset: int) -> Iterator[tuple[Path, Value]]:
    """Yield the keys and values at an offset with their paths, except objects."""
    for path, value, member in places.all():
        if member and member.key.start <= offset <= member.key.end:
            yield path, member.key
        if not isinstance(value, Object) and value.start <= offset <= value.end:
            yield path, value


def _meaning_of_key(path: Path, places: Places, document: Document) -> Iterator[str]:
    schema, keys = document.edition.schema, [step for step in path if isinstance(step, str)]
    if len(keys) == 1 and keys[0] not in schema.global_keys:
        yield from _layer(keys[0], document.network)
    around = places.node(tuple(keys[:-1]))
    known = schema.at(keys, plain(around) if isinstance(around, Object) else {})
    if known and keys:
        facts = [known.get("title", ""), allowed(known)]
        facts += [f"default {words.value(known['default'])}"] if "default" in known else []
        yield f"**{keys[-1]}**: {'; '.join(filter(None, facts))}"
        yield from filter(None, [known.get("description")])


def _origin(path: Path, request: Document) -> Iterator[str]:
    """Yield the origin of a value in the configuration that a request compiles to."""
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
    """Return whether the path of a layer's value starts with inner."""
    return path[: len(inner)] == tuple(inner)


def _layer(name: str, network: Network | None) -> Iterator[str]:
    """Yield the facts of a layer in the model."""
    layer = network.by_name.get(name) if network else None
    if layer:
        yield f"**{layer.name}**, {layer.type}{words.at(layer.span)}"
        if layer.obstacle:
            yield f"Cannot be quantized: {layer.obstacle}."
        if layer.fusion:
            yield f"Fused: {' + '.join(layer.fusion)}"
