"""Generated Caffe networks.

What AMCT supports for a layer is repeated here, beside the text of the
layer, so that neither the compiler nor the oracle answers for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from quantcfg import Network
from tests import networks
from tests.oracle.amct import OracleLayer

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn


@dataclass(frozen=True)
class Kind:
    """A layer without its name: its type, its parameters, and what AMCT can do with it (reference 5.1, 5.5).

    Where the rank of its filter is that of its input, it can do it in two
    dimensions only.
    """

    type: str
    parameters: Mapping[str, str]
    supported: bool = False
    non_uniform: bool = False
    rank_of_input: bool = False


def _kind(layer_type: str, message: str, text: str, can: str = "", *, rank_of_input: bool = False) -> Kind:
    return Kind(layer_type, {message: text}, "uniform" in can, "non-uniform" in can, rank_of_input)


def _conv(text: str, can: str = "", *, rank_of_input: bool = False) -> Kind:
    return _kind("Convolution", "convolution_param", text, can, rank_of_input=rank_of_input)


def _deconv(text: str, can: str = "", *, rank_of_input: bool = False) -> Kind:
    return _kind("Deconvolution", "convolution_param", text, can, rank_of_input=rank_of_input)


_BOTH = "uniform and non-uniform"

_KINDS = (
    _conv("num_output: 8 kernel_size: 3", _BOTH, rank_of_input=True),
    _conv("num_output: 8 kernel_h: 3 kernel_w: 1", _BOTH),
    _conv("kernel_size: [3, 5] dilation: 1 dilation: 1 group: 1", _BOTH),
    _conv("kernel_size: 3 group: 4", "uniform", rank_of_input=True),
    _conv("kernel_size: 3 kernel_size: 3 dilation: 2", "uniform"),
    _conv("kernel_size: [3, 3, 3]"),
    _deconv("num_output: 8 kernel_size: 4", "uniform", rank_of_input=True),
    _deconv("kernel_size: [4, 4] group: 8", "uniform"),
    _deconv("kernel_h: 4 kernel_w: 4 dilation: [1, 2]"),
    _deconv("kernel_size: [2, 2, 2]"),
    _kind("InnerProduct", "inner_product_param", "num_output: 10", _BOTH),
    _kind("InnerProduct", "inner_product_param", "num_output: 10 axis: 1 transpose: false", _BOTH),
    _kind("InnerProduct", "inner_product_param", "transpose: true"),
    _kind("InnerProduct", "inner_product_param", "axis: 2"),
    _kind("Pooling", "pooling_param", "pool: AVE kernel_size: 2", "uniform"),
    _kind("Pooling", "pooling_param", "pool: 1 global_pooling: false", "uniform"),
    _kind("Pooling", "pooling_param", "pool: AVE global_pooling: true"),
    _kind("Pooling", "pooling_param", "pool: MAX kernel_size: 2"),
    _kind("Pooling", "pooling_param", "pool: STOCHASTIC"),
    _kind("Pooling", "pooling_param", ""),
    _kind("BatchNorm", "batch_norm_param", "use_global_stats: true"),
    _kind("Scale", "scale_param", "bias_term: true"),
    Kind("ReLU", {}),
    Kind("Eltwise", {}),
)

_USUAL_KINDS = tuple(kind for kind in _KINDS if kind.supported)
_PARAMETERS = ("",) * 8 + ("shared",)
_RULES = ("",) * 6 + ("TEST", "TRAIN")
_NAMES = (
    *("conv1", "conv10", "conv2", "Conv1", "CONV1", "fc", "pool5", "a/b", "res2a_branch1", "_", "0"),
    *(
        "a name",
        'a "quoted" name',
        "back\\slash",
        "tab\t",
        "größe",
        "第一层",
        "\U0001f600",
        "\u2028",
        "e\u0301",
    ),
)
_RESERVED_NAMES = ("version", "batch_num", "skip_fusion_layers")


@dataclass(frozen=True)
class CaffeNetwork:
    """The text of a network, and its layers in phase TEST as the oracle knows them."""

    prototxt: str
    layers: tuple[OracleLayer, ...]

    def read(self) -> Network:
        return networks.network(self.prototxt)


@dataclass(frozen=True)
class _Layer:
    kind: Kind
    name: str
    parameter: str
    rule: str


@st.composite
def caffe_networks(draw: DrawFn) -> CaffeNetwork:
    """A chain of layers; some share a parameter, some are for training only."""
    rank = draw(st.sampled_from([4, 4, 4, 5]))
    names = st.sampled_from(_NAMES * 10 + _RESERVED_NAMES)
    layers = [
        _Layer(
            draw(st.sampled_from(_USUAL_KINDS) | st.sampled_from(_KINDS)),
            name,
            draw(st.sampled_from(_PARAMETERS)),
            draw(st.sampled_from(_RULES)),
        )
        for name in draw(st.lists(names, min_size=2, max_size=8, unique=True))
    ]
    tested = [layer for layer in layers if layer.rule != "TRAIN"]
    # A network needs a layer in phase TEST to be one.
    data = networks.layer("data", "Input", (), "data", input_param=f"shape {{ dim: {[1] * rank} }}")
    known = OracleLayer("data", "Input", supported=False, non_uniform=False)
    return CaffeNetwork(
        networks.net(data, *_chain(layers)),
        (known, *_all_known(tested, rank)),
    )


def _chain(layers: Sequence[_Layer]) -> list[str]:
    texts = []
    bottom = "data"
    for index, layer in enumerate(layers):
        messages = dict(layer.kind.parameters)
        if layer.parameter:
            messages["param"] = f'name: "{layer.parameter}"'
        if layer.rule:
            messages["include"] = f"phase: {layer.rule}"
        texts.append(
            networks.layer(_quotable(layer.name), layer.kind.type, bottom, f"top{index}", **messages)
        )
        # The output of an InnerProduct has no spatial axes, which a convolution needs.
        if layer.rule != "TRAIN" and layer.kind.type != "InnerProduct":
            bottom = f"top{index}"
    return texts


def _quotable(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)[1:-1]


def _all_known(tested: Sequence[_Layer], rank: int) -> Iterator[OracleLayer]:
    return (_known(layer, tested, rank) for layer in tested)


def _known(layer: _Layer, tested: Sequence[_Layer], rank: int) -> OracleLayer:
    shares = layer.parameter and any(
        other.parameter == layer.parameter for other in tested if other is not layer
    )
    possible = not shares and (rank == 4 or not layer.kind.rank_of_input)
    return OracleLayer(
        layer.name,
        layer.kind.type,
        supported=layer.kind.supported and possible,
        non_uniform=layer.kind.non_uniform and possible,
    )
