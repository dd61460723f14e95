"""Generated networks and requests, most of them in order and the others wrong in one way or in several.

What AMCT can do with a layer stands here once more, beside the text of the
layer, so that neither the compiler nor the oracle answers for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import strategies as st

from quantcfg import contracts
from tests import networks
from tests.oracle.amct import OracleLayer

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

CONFIG = contracts.message_class("calibration_config_caffe", "amct_caffe.AMCTConfig")

MAPPING_FILE = "MAPPING"
"""Stands in a request where the path of the mapping file belongs."""


# --- networks


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
class GeneratedNetwork:
    """The text of a network, and its layers in phase TEST as the oracle knows them."""

    prototxt: str
    layers: tuple[OracleLayer, ...]


@dataclass(frozen=True)
class _Layer:
    kind: Kind
    name: str
    parameter: str
    rule: str


@st.composite
def generated_networks(draw: DrawFn) -> GeneratedNetwork:
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
    return GeneratedNetwork(
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
        # Behind an InnerProduct there is no plane to convolve.
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


# --- requests


@dataclass(frozen=True)
class Choice:
    """Values of a field: such as are in order, and such as are not."""

    right: SearchStrategy[Any]
    wrong: SearchStrategy[Any]


def _float32(low: float, high: float) -> SearchStrategy[float]:
    return st.floats(low, high, width=32, exclude_min=True)


_PERCENTILES = Choice(
    st.sampled_from([0.999999, 1.0, 0.9999, 0.51, 0.99999999]) | _float32(0.5, 1),
    st.sampled_from([0.5, 0.50000001, 0.0, -1.0, 1.0000002]),
)
# What is not finite is an error by intention: the differences from the oracle have it.
_ANY_FLOAT = st.floats(width=32, allow_nan=False, allow_infinity=False)
_FLAGS = Choice(st.booleans(), st.booleans())

_VALUES: Mapping[str, Choice] = {
    "batch_num": Choice(st.sampled_from([1, 2, 16, 2**32 - 1]), st.just(0)),
    "num_of_bins": Choice(st.sampled_from([1024, 2048, 4096, 8192]), st.sampled_from([0, 1000, 4095, 16384])),
    "num_steps": Choice(st.sampled_from([16, 32]), st.sampled_from([0, 8, 31, 64])),
    "num_of_iteration": Choice(st.integers(0, 5), st.sampled_from([6, 2**32 - 1])),
    "search_range_start": Choice(st.sampled_from([0.7, 0.8, 0.1, 1e-6]) | _float32(0, 1), _ANY_FLOAT),
    "search_range_end": Choice(
        st.sampled_from([1.3, 1.2, 16777217.0]) | _float32(1, 10), st.sampled_from([0.7, 0.0]) | _ANY_FLOAT
    ),
    "search_step": Choice(
        st.sampled_from([0.01, 0.02, 0.1, 1e-5]) | _float32(0, 0.0625),
        st.sampled_from([0.5, 0.6, 0.7, 0.0]) | _ANY_FLOAT,
    ),
    "max_percentile": _PERCENTILES,
    "min_percentile": _PERCENTILES,
    "mapping_file": Choice(st.just(MAPPING_FILE), st.sampled_from(["", "\0", "nowhere/mapping.json"])),
}
_TYPES = Choice(
    st.sampled_from(["Convolution", "Deconvolution", "InnerProduct", "Pooling"]),
    st.sampled_from(["ReLU", "BatchNorm", "convolution", "", "Conv"]),
)
_WRONG_NAMES = ("nowhere", "conv", "", "ReLU", "versions")


@dataclass(frozen=True)
class Request:
    """A quant.cfg, or the plain arguments in its absence; and what the mapping file holds.

    Of the text, MAPPING_FILE has the place of the path. The mapping is None
    where the text names another file, which is not there.
    """

    config_text: str | None = None
    arguments: Mapping[str, Any] | None = None
    mapping: Any = None


_MISTAKES: tuple[Mapping[str, int], ...] = (
    {},
    {},
    {"values": 2},
    {"values": 5},
    {"names": 2},
    {"names": 1, "repeats": 1, "required": 1, "values": 1},
)
"""How many times in ten a request errs in what."""


@st.composite
def requests(draw: DrawFn, layers: Sequence[OracleLayer]) -> Request:
    """A request for layers: a quant.cfg of one or more merged messages, or plain arguments."""
    filler = _Filler(draw, _names_of(layers), draw(st.sampled_from(_MISTAKES)))
    if draw(st.integers(0, 7)) == 0:
        return Request(arguments=filler.arguments())
    messages = [filler.config() for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3])))]
    # Merged, the last path counts.
    files = [
        message.nuq_config.mapping_file for message in messages if message.nuq_config.HasField("mapping_file")
    ]
    mapping = draw(_mappings(layers)) if files and files[-1] == MAPPING_FILE else None
    return Request(config_text="".join(_printed(draw, message) for message in messages), mapping=mapping)


def _names_of(layers: Sequence[OracleLayer]) -> Mapping[str, Choice]:
    """Return what the fields that name layers and types may say of the layers."""
    every = [layer.name for layer in layers]
    skippable = [layer.name for layer in layers if layer.type in _QUANTIZABLE]
    fusible = [layer.name for layer in layers if layer.type in _QUANTIZABLE[:3]]
    wrong = st.sampled_from([*_WRONG_NAMES, *every])
    return {
        "skip_layers": Choice(_one_of(skippable), wrong),
        "skip_fusion_layers": Choice(_one_of(fusible), wrong),
        "layer_name": Choice(_one_of(every), wrong),
        "skip_layer_types": _TYPES,
        "layer_type": _TYPES,
    }


_QUANTIZABLE = ("Convolution", "Deconvolution", "InnerProduct", "Pooling")


def _one_of(names: Sequence[str]) -> SearchStrategy[str]:
    return st.sampled_from(names or _WRONG_NAMES)


@dataclass(frozen=True)
class _Filler:
    """Draws what a request says, and errs as often as it is told to."""

    draw: DrawFn
    names: Mapping[str, Choice]
    mistakes: Mapping[str, int]

    def arguments(self) -> dict[str, Any]:
        batch_nums = [1, 2, 2**32, 2**70]
        return {
            "skip_layers": self.names_in("skip_layers"),
            "batch_num": self.draw(st.sampled_from([0, -1] if self.errs("values") else batch_nums)),
            "activation_offset": self.draw(st.booleans()),
        }

    def config(self) -> Any:
        message: Any = CONFIG()
        self.fill(message)
        return message

    def fill(self, message: Any) -> None:
        fields = list(message.DESCRIPTOR.fields)
        messages = [field for field in fields if field.message_type]
        chosen = self.draw(st.lists(st.sampled_from(fields + messages), max_size=5))
        for field in fields:
            if field in chosen or (field.is_required and not self.errs("required")):
                self.give(message, field)

    def give(self, message: Any, field: FieldDescriptor) -> None:
        if field.is_repeated and field.message_type:
            self.add(getattr(message, field.name), field.message_type.fields[0].name)
        elif field.is_repeated:
            getattr(message, field.name).extend(self.names_in(field.name))
        elif field.message_type:
            getattr(message, field.name).SetInParent()
            self.fill(getattr(message, field.name))
        else:
            setattr(message, field.name, self.value(field.name))

    def add(self, overrides: Any, target: str) -> None:
        for name in self.names_in(target):
            override = overrides.add()
            self.fill(override)
            if override.HasField(target):
                setattr(override, target, name)

    def names_in(self, field: str) -> list[str]:
        values = [self.value(field) for _ in range(self.draw(st.integers(0, 3)))]
        return values if self.errs("repeats") else list(dict.fromkeys(values))

    def value(self, field: str) -> Any:
        if field in self.names:
            choice, errs = self.names[field], self.errs("names")
        else:
            choice, errs = _VALUES.get(field, _FLAGS), self.errs("values")
        return self.draw(choice.wrong if errs else choice.right)

    def errs(self, what: str) -> bool:
        often = self.mistakes.get(what, 0)
        return often > 0 and self.draw(st.integers(0, 9)) < often


def _printed(draw: DrawFn, message: Any) -> str:
    one_line, utf8, pointy = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    text = text_format.MessageToString(message, as_utf8=utf8, as_one_line=one_line, pointy_brackets=pointy)
    return f"{text}\n"


@st.composite
def _mappings(draw: DrawFn, layers: Sequence[OracleLayer]) -> Any:
    """A fusion JSON: operators made of layers of the network and others, flagged or not (reference 5.5)."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from([[], {}, {"graph": []}, {"graph": [{"op": [{"attr": 1}]}]}, "text", 0]))
    names = [layer.name for layer in layers]
    originals = st.sampled_from([*names, *names, "nowhere", "conv1_dequant_layer", "0_quant_layer"])
    operators = draw(st.lists(st.tuples(st.lists(originals, max_size=3), _flags), max_size=4))
    return {
        "graph": [{"op": [_operator(names, flags) for names, flags in operators]}],
        "name": "net",
        "version": 1,
    }


_flags = st.dictionaries(
    st.sampled_from(["_fe_weight_compress", "fe_weight_compress", "other"]), st.booleans(), max_size=2
)


def _operator(names: Sequence[str], flags: Mapping[str, bool]) -> dict[str, object]:
    return {
        "name": names[0] if names else "",
        "type": "Conv2D",
        "attr": [
            *({"key": key, "value": {"b": value}} for key, value in flags.items()),
            {"key": "_datadump_original_op_names", "value": {"list": {"s": list(names)}}},
        ],
    }


@dataclass(frozen=True)
class Case:
    """A network and a request for it."""

    network: GeneratedNetwork
    request: Request


@st.composite
def cases(draw: DrawFn) -> Case:
    network = draw(generated_networks())
    return Case(network, draw(requests(network.layers)))
