"""Configurations as they lie about: compiled, and then tuned by hand, in values that AMCT takes."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from quantcfg import compile_config
from tests.networks import conv, deconv, inner_product, net, network, pool

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

NETWORK = network(
    net(
        conv("conv1"),
        conv("conv2", "conv1"),
        conv("conv3", "conv2"),
        # Its dilation keeps it from non-uniform quantization.
        conv("conv4", "conv3", parameters="num_output: 8 kernel_size: 3 dilation: 2"),
        deconv("up1", "conv4"),
        pool("pool1", "up1"),
        pool("pool2", "pool1"),
        inner_product("fc1", "pool2"),
        inner_product("größe", "fc1"),
    )
)
DEFAULTS: dict[str, Any] = json.loads(compile_config(NETWORK).text or "")

_STEPS = st.sampled_from([0.01, 0.02, 0.05, 1e-05])
_IFMR = {
    "max_percentile": st.sampled_from([0.999999, 0.9999, 1, 1.0]),
    "min_percentile": st.sampled_from([0.999999, 0.9999]),
    "search_range": st.sampled_from([[0.7, 1.3], [0.8, 1.3], [0.7, 1.2], [0.25, 2]]),
    "search_step": _STEPS,
    "act_algo": st.just("ifmr"),
    "asymmetric": st.booleans(),
}
_HFMG = {
    "act_algo": st.just("hfmg"),
    "num_of_bins": st.sampled_from([4096, 2048]),
    "asymmetric": st.booleans(),
}
_ARQ = {"wts_algo": st.just("arq_quantize")}
_NUQ = {
    "wts_algo": st.just("nuq_quantize"),
    "num_steps": st.sampled_from([16, 32]),
    "num_of_iteration": st.sampled_from([0, 1]),
}
_NON_UNIFORM = ("conv1", "conv2", "conv3", "fc1", "größe")
_GLOBALS = {
    "batch_num": st.sampled_from([1, 2, 2**32 - 1]),
    "activation_offset": st.booleans(),
    "joint_quant": st.booleans(),
    "do_fusion": st.booleans(),
    "skip_fusion_layers": st.sampled_from([[], ["conv2", "conv1"], ["größe"]]),
}


def _some_of(fields: dict[str, SearchStrategy[Any]]) -> SearchStrategy[dict[str, Any]]:
    """Values for some of the keys, and the algorithm that has them."""
    named = {key: value for key, value in fields.items() if key.endswith("_algo")}
    rest = {key: value for key, value in fields.items() if key not in named}
    return st.fixed_dictionaries(named, optional=rest)


def _bodies(name: str) -> SearchStrategy[dict[str, Any]]:
    channel_wise = {"channel_wise": st.booleans()} if name.startswith(("conv", "up")) else {}
    weights = _some_of(_ARQ | channel_wise)
    if name in _NON_UNIFORM:
        weights |= _some_of(_NUQ)
    return st.fixed_dictionaries(
        {},
        optional={
            "quant_enable": st.booleans(),
            "activation_quant_params": _some_of(_IFMR) | _some_of(_HFMG),
            "weight_quant_params": weights,
        },
    )


@st.composite
def tuned_configs(draw: DrawFn) -> dict[str, Any]:
    """A configuration in order: its layers share a few bodies; some keys, and some layers, are left out."""
    config: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=_GLOBALS))
    names = [layer.name for layer in NETWORK.quantizable]
    is_whole: bool = draw(st.booleans())
    kept = names if is_whole else draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    drawn: list[dict[str, Any]] = []
    for name in kept:
        # A body of another layer is taken over as far as this one can have it.
        body = draw(st.sampled_from(drawn) | _bodies(name)) if drawn else draw(_bodies(name))
        drawn.append(body)
        config[name] = _possible(name, body)
    config[kept[0]]["quant_enable"] = True
    return config


def _possible(name: str, body: dict[str, Any]) -> dict[str, Any]:
    weights = body.get("weight_quant_params", {})
    if weights.get("wts_algo") == "nuq_quantize" and name not in _NON_UNIFORM:
        return {key: value for key, value in body.items() if key != "weight_quant_params"}
    if weights.get("channel_wise") and not name.startswith(("conv", "up")):
        return {key: value for key, value in body.items() if key != "weight_quant_params"}
    return copy.deepcopy(body)
