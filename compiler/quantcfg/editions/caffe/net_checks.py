"""Check the layers of a network together: their names, their types and the parameters that they share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import prod

from quantcfg.diagnostics import Diagnostic, Edit, Related, Report, catalogue, related
from quantcfg.diagnostics.phrases import quoted
from quantcfg.editions.caffe import CAFFE, caffe_types
from quantcfg.editions.caffe.definitions import Definition
from quantcfg.editions.caffe.shapes import Parameters, PartialShape, may_be_equal, shown
from quantcfg.frozen import frozen_value
from quantcfg.network.network import Layer
from quantcfg.textproto import BoundMessage, Path, Place

_STATISTICS = "use_global_stats"
_MAX_SHOWN = 5


def check_amct_types(layers: Sequence[Definition], report: Report) -> None:
    """Report layers that AMCT adds when it quantizes a network (reference 1)."""
    for layer in layers:
        if caffe_types.is_amct_type(layer.type):
            report(catalogue.ALREADY_QUANTIZED.at(layer.span, what=f'layer "{layer.name}"', type=layer.type))


def check_statistics(layers: Sequence[Definition], report: Report) -> None:
    """Report BatchNorm layers that do not use their stored statistics, as AMCT requires (reference 5.3)."""
    for layer in layers:
        is_required = _STATISTICS in CAFFE.layer_types.conditional_attributes(layer.type)
        if is_required and layer.attributes().get(_STATISTICS) is False:
            place = layer.binding.place_at((*layer.path, "batch_norm_param", _STATISTICS))
            assert place
            fix = [Edit(place.span, "true")]
            help = "write use_global_stats: true, or remove it"
            report(catalogue.BATCH_STATISTICS.at(place.span, layer=layer.name, help=help, fix=fix))


def check_names(layers: Sequence[Layer], report: Report) -> None:
    """Report quantizable layers without a unique name: the configuration has one key for each name."""
    first: dict[str, Layer] = {}
    for layer in layers:
        if not layer.name:
            if layer.quantizable:
                report(catalogue.NAMELESS_LAYER.at(layer.span, type=layer.type))
            continue
        other = first.setdefault(layer.name, layer)
        if other is not layer and (layer.quantizable or other.quantizable):
            place = related(other.span, "first defined here")
            report(catalogue.SAME_NAME.at(layer.span, layer=layer.name, related=place))


# --- shared parameters


@frozen_value
class Sharing:
    """Layers that share a parameter, and the place where each of them names it."""

    layers: tuple[Definition, ...]
    places: tuple[Place, ...]

    def obstacle(self, layer: Definition) -> str:
        """Return why a layer of this group is not quantizable."""
        # All names for each layer would take quadratic space in a large group.
        shown = self.layers[: _MAX_SHOWN + 1]
        others = [other.name for other in shown if other is not layer][:_MAX_SHOWN]
        more = len(self.layers) - 1 - len(others)
        return f"it shares parameters with {quoted(others)}" + (f" and {more} more" if more else "")

    def warning(self) -> Diagnostic:
        """Return the diagnostic for this group."""
        first, *others = self.places[:_MAX_SHOWN]
        return catalogue.SHARED_PARAMETERS.at(
            first.span,
            layers=quoted(layer.name for layer in self.layers),
            related=[Related(place.span, "shared here") for place in others],
        )


def sharing_groups(layers: Sequence[Definition]) -> list[Sharing]:
    """Return the layers that share parameters, in groups with a quantizable type (reference 5.2, U15)."""
    users: dict[str, dict[Path, tuple[Definition, Place]]] = defaultdict(dict)
    for layer in layers:
        for _, name, place in layer.shared_parameters():
            users[name].setdefault(layer.path, (layer, place))
    # Layers that share both weights and biases are one group.
    groups: dict[tuple[Path, ...], tuple[tuple[Definition, Place], ...]] = {}
    for group in users.values():
        if len(group) > 1:
            groups.setdefault(tuple(group), tuple(group.values()))
    quantizable = CAFFE.layer_types.quantizable
    return [
        Sharing(tuple(layer for layer, _ in sharing), tuple(place for _, place in sharing))
        for sharing in groups.values()
        if any(layer.type in quantizable for layer, _ in sharing)
    ]


@frozen_value
class _Owner:
    """The first layer with a parameter, the place where it names it, and its shape."""

    layer: Definition
    place: Place
    shape: PartialShape | None


def check_shared_shapes(parameters: Sequence[Parameters], report: Report) -> None:
    """Report shared parameters with different shapes, as AppendParam does in Caffe."""
    owners: dict[str, _Owner] = {}
    for each in parameters:
        layer, blobs = each.layer, each.shapes or ()
        for index, name, place in layer.shared_parameters():
            shape = blobs[index][1] if index < len(blobs) else None
            owner = owners.setdefault(name, _Owner(layer, place, shape))
            if owner.shape and shape and not _agree(owner.shape, shape, layer.params[index]):
                report(
                    catalogue.SHARED_SHAPES.at(
                        place.span,
                        name=name,
                        layer=layer.name,
                        shape=shown(shape),
                        owner=owner.layer.name,
                        other=shown(owner.shape),
                        related=[Related(owner.place.span, "first named here")],
                    )
                )


def _agree(owner: PartialShape, shape: PartialShape, param: BoundMessage) -> bool:
    """Return whether two shapes may be equal, or have the same size if share_mode is PERMISSIVE."""
    if param["share_mode"] == "PERMISSIVE":
        sizes = [size for size in (*owner, *shape) if size is not None]
        return len(sizes) < len(owner) + len(shape) or prod(sizes[: len(owner)]) == prod(sizes[len(owner) :])
    return may_be_equal(owner, shape)
