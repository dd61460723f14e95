"""What the settings of a quant.cfg reach, by the plan that was made of it."""

from __future__ import annotations

from collections.abc import Iterator

from quantcfg.diagnostics import Diagnostic
from quantcfg.frozen import frozen_value
from quantcfg.plan import LayerPlan, Plan
from quantcfg.plan.request import Calibration
from quantcfg.provenance import Explanation, LayerExplanation, Provenance, explained, text
from quantcfg.source import Span
from quantcfg.textproto import tree


@frozen_value
class Reached:
    """A calibration that is written, where what it is for is named, and the layers that have it."""

    calibration: Calibration
    name: Span
    layers: tuple[LayerPlan, ...]

    @property
    def replaced(self) -> tuple[Calibration, ...]:
        """The calibrations that the layers would have without it."""
        lower = {id(lower): lower for layer in self.layers for lower in layer.levels[1:2]}
        return tuple(lower.values())


def all_reached(plan: Plan) -> Iterator[Reached]:
    """Yield what each calibration of a request reaches of its network."""
    request = plan.request
    written = [(each.calibration, each.target.span) for each in request.layer_overrides]
    written += [(each.calibration, each.target.span) for each in request.type_overrides if each.is_written]
    written += [(each, each.span) for each in (request.common, request.conv, request.fc) if each]
    layers: dict[int, list[LayerPlan]] = {}
    for layer in plan.layers:
        if layer.layer.span:
            layers.setdefault(id(layer.calibration), []).append(layer)
    for calibration, name in written:
        if name:
            yield Reached(calibration, name, tuple(layers.get(id(calibration), ())))


def reached_in(plan: Plan, field: tree.Field) -> Iterator[Reached]:
    """Yield what the calibrations reach that are a field, or stand in it."""
    for each in all_reached(plan):
        span = each.calibration.span
        if span and field.start <= span.start < field.end:
            yield each


def layers_of_value(plan: Plan, value: Span) -> list[tuple[LayerExplanation, Explanation]]:
    """Return the layers that have their value of a key from a span, and why."""
    provenance = explanation(plan)
    return [
        (layer, each) for layer in provenance.layers for each in layer.values if each.chain[0].span == value
    ]


def explanation(plan: Plan, name: str | None = None) -> Provenance:
    """Return the provenance of a layer, or of a key of the whole network; without a name, of all values.

    There is none of what is not there.
    """
    return explained(plan, name, None, _ignored) or Provenance()


def block(provenance: Provenance) -> str:
    """Return a provenance in Markdown, as "quantcfg explain" shows it."""
    return f"```text\n{text.render(provenance)}\n```"


def _ignored(diagnostic: Diagnostic) -> None:
    """Take no notice that there is no such layer."""
