"""Lower a request to a plan: every value of the configuration, with its origin."""

from quantcfg.plan.assumed import assumed_network
from quantcfg.plan.pipeline import PASSES, After, complete, lower
from quantcfg.plan.plan import LayerPlan, Plan, TensorPlan
from quantcfg.plan.request import (
    Request,
    request_from_arguments,
    request_from_config,
    request_from_tree,
)
from quantcfg.plan.settings import Leaf, Origin, OriginKind, Setting, Values

__all__ = [
    "PASSES",
    "After",
    "LayerPlan",
    "Leaf",
    "Origin",
    "OriginKind",
    "Plan",
    "Request",
    "Setting",
    "TensorPlan",
    "Values",
    "assumed_network",
    "complete",
    "lower",
    "request_from_arguments",
    "request_from_config",
    "request_from_tree",
]
