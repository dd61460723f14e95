"""Render a provenance as text or as a table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, repeat

from quantcfg.diagnostics.phrases import counted
from quantcfg.diagnostics.terminal import aligned, printable, wrapped
from quantcfg.plan import Setting
from quantcfg.provenance import words
from quantcfg.provenance.explanation import Explanation, LayerExplanation, Provenance
from quantcfg.provenance.levels import replacing

_WIDTH = 110
_INDENT = "  "
_HEADINGS = ("layer", "key", "value", "location", "source")


def render(provenance: Provenance) -> str:
    """Return a provenance as text without a final newline; layers with equal values are shown once."""
    sections = []
    if provenance.network:
        sections.append(["the whole network", *_rows(provenance.network)])
    for layers, body in _alike(provenance.layers):
        head = _head(layers[0]) if len(layers) == 1 else _heads(layers)
        sections.append([*head, *body])
    return "\n\n".join("\n".join(section) for section in sections)


def _alike(layers: Iterable[LayerExplanation]) -> Iterator[tuple[Sequence[LayerExplanation], Sequence[str]]]:
    """Yield groups of layers of one type with the same text, and the text."""
    groups: dict[tuple[str, ...], list[LayerExplanation]] = {}
    for layer in layers:
        groups.setdefault((layer.layer.type, *_body(layer)), []).append(layer)
    for (_, *body), alike in groups.items():
        yield alike, body


def _head(layer: LayerExplanation) -> Iterator[str]:
    span = layer.layer.span
    yield printable(f'"{layer.layer.name}", {layer.layer.type}{words.at(span)}')
    if layer.layer.obstacle:
        yield printable(f"{_INDENT}cannot be quantized: {layer.layer.obstacle}")
    if layer.fusion:
        yield printable(f"{_INDENT}fusion: {layer.fusion}")


def _heads(layers: Sequence[LayerExplanation]) -> Iterator[str]:
    names = ", ".join(f'"{printable(layer.layer.name)}"' for layer in layers)
    text = f"{counted(len(layers), f'{layers[0].layer.type} layer')}: {names}"
    yield from wrapped(text, _WIDTH, following=_INDENT)


def _body(layer: LayerExplanation) -> Iterator[str]:
    if layer.layer.obstacle:
        yield from _rows(layer.values)
        return
    if not layer.values:
        yield f"{_INDENT}not in the configuration: not quantized"
        return
    chosen = layer.calibration
    level = f"{chosen.level}{words.at(chosen.span)}" if chosen else "defaults"
    yield printable(f"{_INDENT}calibration: {level}")
    replaced = {replacing(chosen, lower) for lower in layer.replaced} if chosen else set()
    for lower in layer.replaced:
        yield printable(f"{_INDENT * 2}replaces all of {lower.level}{words.at(lower.span)}")
    yield from _rows(layer.values, replaced)


def _rows(explanations: Iterable[Explanation], known_reasons: Collection[str] = ()) -> Iterator[str]:
    """Yield the lines of values, without reasons that are already shown."""
    rows = [row for explanation in explanations for row in _rows_of(explanation, known_reasons)]
    yield from (f"{_INDENT}{line}" for line in aligned(rows))


def _rows_of(explanation: Explanation, known_reasons: Collection[str]) -> Iterator[tuple[str, str, str]]:
    first, *others = explanation.chain
    why = f": {explanation.reason}" if explanation.reason else ""
    yield explanation.name, words.value(first.value), f"{_given_by(first, explanation.key)}{why}"
    for without, setting in zip(chain(["without it:"], repeat("without that:")), others, strict=False):
        yield "", "", f"{without} {words.value(setting.value)}, {_given_by(setting, explanation.key)}"
    for each in explanation.beaten:
        why = "" if each.reason in known_reasons else f": {each.reason}"
        shown = f"{words.value(each.setting.value)}, {_given_by(each.setting, explanation.key)}"
        yield "", "", f"overridden: {shown}{why}"


def _given_by(setting: Setting[object], key: str) -> str:
    return f"{words.given_by(setting.origin, key)}{words.at(setting.span)}"


def table(provenance: Provenance) -> str:
    """Return a provenance as a table with a final newline; values of the whole network have no layer."""
    lines = "\n".join(aligned([_HEADINGS, *_table_rows(provenance)])) + "\n"
    # A file name can contain bytes that are not UTF-8.
    return lines.encode(errors="backslashreplace").decode()


def _table_rows(provenance: Provenance) -> Iterator[tuple[str, ...]]:
    for explanation in provenance.network:
        yield _table_row("", explanation)
    for layer in provenance.layers:
        for explanation in layer.values:
            yield _table_row(layer.layer.name, explanation)


def _table_row(layer: str, explanation: Explanation) -> tuple[str, ...]:
    origin = explanation.chain[0].origin
    value, given_by = words.value(explanation.value), words.given_by(origin, explanation.key)
    return layer, explanation.name, value, words.place(origin.span) or "", given_by
