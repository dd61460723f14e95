"""What is said of the thing at an offset: its meaning, and what it does here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from quantcfg.diagnostics.phrases import counted, quoted
from quantcfg.lsp import configuration, fields
from quantcfg.lsp.document import Document, fields_at, path_of, string_at, text_of
from quantcfg.lsp.reach import block, explanation, layers_of_value, reached_in
from quantcfg.network import Edition
from quantcfg.plan import LayerPlan, Plan
from quantcfg.plan.names import known_names
from quantcfg.provenance import LayerExplanation, Provenance, words
from quantcfg.provenance.levels import replacing
from quantcfg.source import Span
from quantcfg.textproto import tree
from quantcfg.values import frozen_value


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
        meant = configuration.meaning(document, offset, requests)
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
