"""The rules of AMCT that give a value which is not written for its layer, in words."""

from __future__ import annotations

from quantcfg.contracts.config_schema import ASYMMETRIC, CHANNEL_WISE, WEIGHT_ALGORITHM
from quantcfg.network import LayerTypes
from quantcfg.plan import LayerPlan, Origin, OriginKind, Plan


def reason(key: str, origin: Origin, layer: LayerPlan, plan: Plan) -> str | None:
    """Return why a value of a layer has its origin, or None where that goes without saying."""
    if key == ASYMMETRIC:
        return _of_flag(origin, layer, plan)
    if key == CHANNEL_WISE and origin.kind is OriginKind.LAYER_TYPE:
        return _of_type(layer.layer.type, plan.network.edition.layer_types)
    if key == WEIGHT_ALGORITHM and layer.is_by_mapping:
        return "the mapping file of nuq_config selects this layer"
    return None


def _of_flag(origin: Origin, layer: LayerPlan, plan: Plan) -> str | None:
    """Return why asymmetric comes from somewhere else than the layer's own calibration (reference 4.4)."""
    own = layer.calibration.activation if layer.calibration else None
    common = plan.request.common
    if own and ASYMMETRIC in own.parameters:
        return None
    if common and origin.level == common.level:
        return f"the layer sets none itself, and has the algorithm of {common.level}"
    return "no setting nearer to the layer counts"


def _of_type(layer_type: str, types: LayerTypes) -> str:
    """Return what a type may have (reference 3.4)."""
    can = "can" if types.channel_wise(layer_type) else "cannot"
    return f"{layer_type} layers {can} have a factor for each channel"
