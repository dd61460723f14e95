"""What the advice knows of layer types: where a network ends, and what is known of their outputs."""

from __future__ import annotations

from quantcfg.editions.caffe.operation_parameters import Parameters
from quantcfg.network.operations import Compared, NeverNegative

_ENDS = (
    "ArgMax",
    "ContrastiveLoss",
    "DetectionOutput",
    "Flatten",
    "Permute",
    "PriorBox",
    "Reshape",
    "Silence",
    "Softmax",
)
"""Types before which the outputs of a network are compared (reference, weights.md 4.0)."""

_SCORING = (
    "Accuracy",
    "EuclideanLoss",
    "HingeLoss",
    "InfogainLoss",
    "MultinomialLogisticLoss",
    "SigmoidCrossEntropyLoss",
    "SoftmaxWithLoss",
)
"""Types that compare their first input with labels."""

_FROM_SHAPES = ("PriorBox",)
"""Types whose outputs depend on the shapes of their inputs only."""

_CONSTANT = ("DummyData", "Parameter")
"""Types without inputs whose outputs are not data from outside."""

_NEVER_NEGATIVE = ("AbsVal", "BNLL", "Exp", "ReLU6", "Sigmoid", "Softmax")
_KEEP_SIGN = (
    *("Concat", "Crop", "Dropout", "Flatten", "LRN", "Permute", "Pooling", "Reshape", "ShuffleChannel"),
    *("Slice", "Split", "Tile", "Upsample"),
)


def compared(layer_type: str) -> Compared:
    """Return what of a layer is compared if it is at the end of a network."""
    if layer_type in _SCORING:
        return Compared.FIRST_INPUT
    return Compared.INPUTS if layer_type in _ENDS else Compared.OUTPUTS


def reads_shapes(layer_type: str) -> bool:
    """Return whether the outputs of a layer depend on the shapes of its inputs only."""
    return layer_type in _FROM_SHAPES


def is_constant(layer_type: str) -> bool:
    """Return whether a layer without inputs computes its outputs from weights or parameters."""
    return layer_type in _CONSTANT


def never_negative(layer_type: str, parameters: Parameters) -> NeverNegative:
    """Return when the outputs of a layer are never negative."""
    if layer_type == "ReLU" and not parameters["negative_slope"]:
        return NeverNegative.ALWAYS
    if layer_type == "Clip" and (parameters["min"] or 0) >= 0:
        return NeverNegative.ALWAYS
    if layer_type == "Eltwise" and parameters["operation"] == "MAX":
        return NeverNegative.IF_ANY_INPUT
    if layer_type == "Eltwise" and all(each >= 0 for each in parameters["coeff"]):
        return NeverNegative.IF_ALL_INPUTS
    if layer_type in _NEVER_NEGATIVE:
        return NeverNegative.ALWAYS
    return NeverNegative.IF_ALL_INPUTS if layer_type in _KEEP_SIGN else NeverNegative.UNKNOWN
