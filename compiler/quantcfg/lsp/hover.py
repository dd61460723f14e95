"""What is said of the thing at an offset: its meaning, and what it does here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from quantcfg.configuration import Path, Places, places_in
from quantcfg.diagnostics.phrases import counted, quoted
from quantcfg.emit import allowed
from quantcfg.frozen import frozen_value
from quantcfg.jsontext import Object, Value, plain
from quantcfg.lsp import fields
from quantcfg.lsp.document import Document, fields_at, path_of, string_at, text_of
from quantcfg.lsp.reach import block, explanation, layers_of_value, reached_in
from quantcfg.network import Edition, Network
from quantcfg.plan import LayerPlan, Plan
from quantcfg.plan.passes.names import known_names
from quantcfg.provenance import LayerExplanation, Provenance, words
from quantcfg.provenance.levels import replacing
from quantcfg.source import Span
from quantcfg.textproto import tree


@frozen_value
class Hover:
    """What is said, in Markdown, of what stands at a span."""

    text: str
    span: Span


def hover(document: Document, offset: int, requests: Iterable[Document] = ()) -> Hover | None:
    """Return what is said of the name, or of the value, at an offset; None where nothing is.

    requests are quant.cfg files that a configuration may come from; the first one counts.
    Places in the folder of the text are shown without it.
    """
    said = _hover(document, offset, requests)
    folder = os.path.join(os.path.dirname(document.source.name), "")
    return Hover(said.text.replace(folder, ""), said.span) if said else None


def _hover(document: Document, offset: int, requests: Iterable[Document]) -> Hover | None:
    if document.is_configuration:
        meant = _meaning_in_configuration(document, offset, requests)
        return Hover(*meant) if meant else None
    found = fields_at(document, offset) if document.is_request else []
    if not found:
        return None
    field = found[-1]
    on_name = field.name.start <= offset <= field.name.end
    if not on_name and not isinstance(field.value, tree.Message):
        string = string_at(document, offset)
        if string and (said := _of_name(document, field, string)):
            return Hover(said, document.span(string))
    elif not on_name:
        return None
    path = path_of(found)
    said = "\n\n".join([*_meaning(document.edition, path), *_effect(document, path, field)])
    return Hover(said, document.span(field.name if on_name else field.value)) if said else None


def _meaning(edition: Edition, path: Sequence[str]) -> Iterator[str]:
    field = fields.field_at(edition.request, path)
    if field is not None:
        yield f"**{field.name}**: {fields.facts(edition.schema, path, field)}"
        yield from filter(None, [fields.comment(edition.request, field)])


def _effect(document: Document, path: Sequence[str], field: tree.Field) -> Iterator[str]:
    """Yield what a field does here: which layers it reaches, and what it beats there."""
    plan = document.plan
    if plan is None or document.network is None:
        return
    if isinstance(field.value, tree.Message):
        for each in reached_in(plan, field):
            yield f"It reaches {_those(each.layers)}."
            for lower in each.replaced:
                yield f"There, {replacing(each.calibration, lower)}{words.at(lower.span)}."
    elif len(path) == 1 and path[0] in plan.values:
        yield block(explanation(plan, path[0]))
    elif reached := layers_of_value(plan, document.span(field.value)):
        yield f"It counts for {_those([layer for layer, _ in reached])}."
        layer, value = reached[0]
        yield block(Provenance(layers=(replace(layer, values=(value,)),)))


def _those(layers: Sequence[LayerPlan | LayerExplanation]) -> str:
    if not layers:
        return "no layer"
    return f"{counted(len(layers), 'layer')}: {quoted(layer.layer.name for layer in layers)}"


def _of_name(document: Document, field: tree.Field, string: tree.String) -> str | None:
    """Return what is said of a name that a text holds, of a layer or of a type."""
    name, network, plan = text_of(string), document.network, document.plan
    known = known_names(network).get(field.name.text) if network else None
    if name is None or network is None or plan is None or known is None or name not in known.names:
        return None
    return layer_text(plan, name) if known.are_layers else _type_text(plan, name)


def layer_text(plan: Plan, name: str) -> str:
    """Return what becomes of a layer, in Markdown."""
    return block(explanation(plan, name))


def _type_text(plan: Plan, name: str) -> str:
    return f"**{name}**: {_those([layer for layer in plan.layers if layer.layer.type == name])}"


def _meaning_in_configuration(
    document: Document, offset: int, requests: Iterable[Document]
) -> tuple[str, Span] | None:
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
