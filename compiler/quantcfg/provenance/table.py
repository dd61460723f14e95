"""For reading beside a configuration: one line for each value, with its origin."""

from __future__ import annotations

from collections.abc import Iterator

from quantcfg.diagnostics.terminal import aligned
from quantcfg.provenance import words
from quantcfg.provenance.explanation import Explanation, Provenance

_HEADINGS = ("layer", "key", "value", "place", "given by")


def render(provenance: Provenance) -> str:
    """Return the provenance as a table with a final newline; values of the whole network have no layer."""
    table = "\n".join(aligned([_HEADINGS, *_rows(provenance)])) + "\n"
    # The name of a file may hold bytes that are no text.
    return table.encode(errors="backslashreplace").decode()


def _rows(provenance: Provenance) -> Iterator[tuple[str, ...]]:
    for explanation in provenance.network:
        yield _row("", explanation)
    for layer in provenance.layers:
        for explanation in layer.values:
            yield _row(layer.layer.name, explanation)


def _row(layer: str, explanation: Explanation) -> tuple[str, ...]:
    origin = explanation.chain[0].origin
    value, said_by = words.value(explanation.value), words.said_by(origin, explanation.key)
    return layer, explanation.name, value, words.place(origin.span) or "", said_by
