"""Configurations as they lie about: compiled, and then tuned by hand, in values that AMCT takes."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from quantcfg import Network, compile_config
from tests.editions import KnownEdition
from tests.networks import conv, deconv, inner_product, net, network, pool
from tests.oracle.amct import OracleEdition, OracleLayer
from tests.plan.onnx_networks import ALL, PLAIN, SYMMETRIC, UNIFORM, Kind, network_of

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

CAFFE_LAYERS = (
    *(OracleLayer(name, "Convolution", True, True) for name in ("conv1", "conv2", "conv3")),
    OracleLayer("conv4", "Convolution", True, False),
    OracleLayer("up1", "Deconvolution", True, False),
    *(OracleLayer(name, "Pooling", True, False) for name in ("pool1", "pool2")),
    *(OracleLayer(name, "InnerProduct", True, True) for name in ("fc1", "größe")),
)
ONNX_NETWORK = network_of(
    {
        **dict.fromkeys(("conv1", "conv2", "conv3"), Kind("Conv", ALL, (4,))),
        "conv4": Kind("Conv", UNIFORM, (4,), {"dilations": [2, 2]}),
        "cube": Kind("Conv", SYMMETRIC, (5,)),
        "up1": Kind("ConvTranspose", UNIFORM, (4,)),
        "sum": Kind("Add", "", ("data",)),
        **dict.fromkeys(("pool1", "pool2"), Kind("AveragePool", PLAIN, (), {"kernel_shape": [2, 2]})),
        **dict.fromkeys(("fc1", "größe"), Kind("Gemm", ALL, (2,))),
        "mul": Kind("MatMul", PLAIN, (3,)),
        "product": Kind("MatMul", "quantize", ("data",)),
    }
)


@cache
def _known(edition: str) -> tuple[Network, Sequence[OracleLayer]]:
    """Return the network of an edition, and the layers of it that can be quantized."""
    if edition == "caffe":
        return NETWORK, CAFFE_LAYERS
    return ONNX_NETWORK.read(), [layer for layer in ONNX_NETWORK.layers if layer.supported]


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
_ARQ = {"wts_algo": st.just("arq_quantize"), "channel_wise": st.booleans()}
_NUQ = {
    "wts_algo": st.just("nuq_quantize"),
    "num_steps": st.sampled_from([16, 32]),
    "num_of_iteration": st.sampled_from([0, 1]),
}
_GLOBALS = {
    "batch_num": st.sampled_from([1, 2, 2**32 - 1]),
    "activation_offset": st.booleans(),
    "joint_quant": st.booleans(),
    "do_fusion": st.booleans(),
    "skip_fusion_layers": st.sampled_from([[], ["conv2", "conv1"], ["up1"]]),
}


def _some_of(fields: dict[str, SearchStrategy[Any]]) -> SearchStrategy[dict[str, Any]]:
    """Values for some of the keys, and the algorithm that has them."""
    named = {key: value for key, value in fields.items() if key.endswith("_algo")}
    rest = {key: value for key, value in fields.items() if key not in named}
    return st.fixed_dictionaries(named, optional=rest)


def _num_bits(edition: OracleEdition, *values: int) -> dict[str, SearchStrategy[Any]]:
    return {"num_bits": st.sampled_from(values)} if edition.num_bits else {}


def _activations(edition: OracleEdition) -> SearchStrategy[dict[str, Any]]:
    num_bits = _num_bits(edition, 8, 16)
    return _some_of(_IFMR | num_bits) | _some_of(_HFMG | num_bits)


def _bodies(edition: OracleEdition) -> SearchStrategy[dict[str, Any]]:
    num_bits = _num_bits(edition, 8)
    balancer = {"dmq_balancer_param": st.sampled_from([0.2, 0.5, 0.75])} if edition.balanced else {}
    return st.fixed_dictionaries(
        {},
        optional={
            "quant_enable": st.booleans(),
            "activation_quant_params": _activations(edition),
            "weight_quant_params": _some_of(_ARQ | num_bits) | _some_of(_NUQ | num_bits),
            **balancer,
        },
    )


def _globals(edition: OracleEdition) -> dict[str, SearchStrategy[Any]]:
    if not edition.tensor:
        return _GLOBALS
    tensors = st.fixed_dictionaries(
        {"layer_name": st.just("sum"), "input_index": st.integers(0, 1)},
        optional={"activation_quant_params": _activations(edition)},
    )
    return _GLOBALS | {
        "fakequant_precision_mode": st.just("FORCE_FP16_QUANT"),
        "tensor_quantize": st.lists(tensors, max_size=2, unique_by=lambda tensor: tensor["input_index"]),
    }


@dataclass(frozen=True)
class Tuned:
    """A configuration, and the network that it is for."""

    network: Network
    config: dict[str, Any]


@st.composite
def tuned_configs(draw: DrawFn, edition: KnownEdition) -> Tuned:
    """A configuration in order: its layers share a few bodies; some keys, and some layers, are left out."""
    config: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=_globals(edition.oracle)))
    network, layers = _known(edition.name)
    is_whole: bool = draw(st.booleans())
    kept = layers if is_whole else draw(st.lists(st.sampled_from(layers), min_size=1, unique=True))
    drawn: list[dict[str, Any]] = []
    bodies = _bodies(edition.oracle)
    for layer in kept:
        # A body of another layer is taken over as far as this one can have it.
        body = draw(st.sampled_from(drawn) | bodies) if drawn else draw(bodies)
        drawn.append(body)
        config[layer.name] = _possible(layer, body, edition.oracle)
    config[kept[0].name]["quant_enable"] = True
    return Tuned(network, config)


def _possible(layer: OracleLayer, body: dict[str, Any], edition: OracleEdition) -> dict[str, Any]:
    """Return what a layer can have of a body."""
    possible = copy.deepcopy(body)
    weights = possible.get("weight_quant_params", {})
    is_impossible_nuq = weights.get("wts_algo") == "nuq_quantize" and not layer.non_uniform
    if is_impossible_nuq or (weights.get("channel_wise") and layer.type not in edition.channel_wise):
        del possible["weight_quant_params"]
    activation = possible.get("activation_quant_params", {})
    if activation.get("num_bits") == 16 and layer.type not in edition.int16:
        del activation["num_bits"]
    if activation.get("asymmetric") and not layer.asymmetric:
        del activation["asymmetric"]
    if not layer.balancer:
        possible.pop("dmq_balancer_param", None)
    return possible
