"""The layers that the settings of a quant.cfg apply to."""

from __future__ import annotations

from collections.abc import Iterator

from quantcfg.frozen import frozen_value
from quantcfg.plan import LayerPlan, Plan
from quantcfg.plan.request import Calibration
from quantcfg.provenance import Explanation, LayerExplanation, Provenance, explained, text
from quantcfg.source import Span
from quantcfg.textproto import tree


@frozen_value
class Reached:
    """A calibration in a quant.cfg, the span that names its target, and the layers that use it."""

    calibration: Calibration
    name: Span
    layers: tuple[LayerPlan, ...]

    @property
    def replaced(self) -> tuple[Calibration, ...]:
        """The calibrations that the layers would use without it."""
        lower = {id(lower): lower for layer in self.layers for lower in layer.levels[1:2]}
        return tuple(lower.values())


def all_reached(plan: Plan) -> Iterator[Reached]:
    """Yield each calibration of a request with the layers that use it."""
    request = plan.request
    written = [(each.calibration, each.target.span) for each in request.layer_overrides]
    written += [(each.calibration, each.target.span) for each in request.type_overrides if each.is_written]
    # conv_calibration_config also is the common calibration where it counts.
    given = {id(each): each for each in (request.common, request.conv, request.fc) if each}
    written += [(each, each.span) for each in given.values()]
    layers: dict[int, list[LayerPlan]] = {}
    for layer in plan.layers:
        if layer.layer.span:
            layers.setdefault(id(layer.calibration), []).append(layer)
    for calibration, name in written:
        if name:
            yield Reached(calibration, name, tuple(layers.get(id(calibration), ())))


def reached_in(plan: Plan, field: tree.Field) -> Iterator[Reached]:
    """Yield the calibrations inside a field, or the field itself, with the layers that use them."""
    for each in all_reached(plan):
        span = each.calibration.span
        if span and field.start <= span.start < field.end:
            yield each


def layers_of_value(plan: Plan, value: Span) -> list[tuple[LayerExplanation, Explanation]]:
    """Return the layers that have a value from a span, with the explanation of the value."""
    provenance = explanation(plan)
    return [
        (layer, each) for layer in provenance.layers for each in layer.values if each.chain[0].span == value
    ]


def explanation(plan: Plan, name: str | None = None) -> Provenance:
    """Return the provenance of a layer or of a key of the whole network; without a name, of all values.

    It is empty for an unknown name.
    """
    return explained(plan, name, None, lambda _: None) or Provenance()


def block(provenance: Provenance) -> str:
    """Return a provenance in Markdown, as "quantcfg explain" shows it."""
    return f"```text\n{text.render(provenance)}\n```"
