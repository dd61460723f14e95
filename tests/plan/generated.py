"""Generated requests, most of them in order and the others wrong in one way or in several."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import strategies as st

from tests.editions import GeneratedNetwork, KnownEdition
from tests.oracle.amct import OracleLayer

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

MAPPING_FILE = "MAPPING"
"""The placeholder for the path of the mapping file in a request."""


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
    "quant_bits": Choice(st.just(8), st.sampled_from([0, 4, 6, 7, 16])),
    "migration_strength": Choice(
        st.sampled_from([0.2, 0.25, 0.5, 0.8]) | st.floats(0.25, 0.75, width=32),
        st.sampled_from([0.0, 0.19, 0.81, -0.5]) | _ANY_FLOAT,
    ),
    # By their numbers: INT8 and INT16, and the only mode there is.
    "dst_type": Choice(st.sampled_from([1, 2]), st.just(2)),
    "fakequant_precision_mode": Choice(st.just(1), st.just(1)),
    "input_index": Choice(st.sampled_from([0, 1]), st.sampled_from([1, 2, 2**32 - 1])),
    "mapping_file": Choice(st.just(MAPPING_FILE), st.sampled_from(["", "\0", "nowhere/mapping.json"])),
}


@dataclass(frozen=True)
class Request:
    """A quant.cfg, or the plain arguments in its absence; and what the mapping file holds.

    Of the text, MAPPING_FILE has the place of the path. The mapping is None
    where the text names another file, which is not there.
    """

    config_text: str | None = None
    arguments: Mapping[str, Any] | None = None
    mapping: Any = None


_FAVOURED = {"tensor_quantize", "dmq_balancer", "dst_type"}
"""Fields that would otherwise be rare in requests that are in order."""

_ERRORS: tuple[Mapping[str, int], ...] = (
    {},
    {},
    {"values": 2},
    {"values": 5},
    {"names": 2},
    {"names": 1, "repeats": 1, "required": 1, "values": 1},
)
"""How many times in ten a request has an error, by its kind."""


@st.composite
def requests(draw: DrawFn, edition: KnownEdition, layers: Sequence[OracleLayer]) -> Request:
    """A request for layers: a quant.cfg of one or more merged messages, or plain arguments."""
    filler = _Filler(
        draw,
        edition.config,
        _names_of(layers, edition),
        _tensors_of(layers, edition),
        draw(st.sampled_from(_ERRORS)),
    )
    if draw(st.integers(0, 7)) == 0:
        return Request(arguments=filler.arguments())
    messages = [filler.config() for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3])))]
    # Merged, the last path counts.
    files = [
        message.nuq_config.mapping_file for message in messages if message.nuq_config.HasField("mapping_file")
    ]
    mapping = draw(_mappings(layers)) if files and files[-1] == MAPPING_FILE else None
    return Request(config_text="".join(_printed(draw, message) for message in messages), mapping=mapping)


def _names_of(layers: Sequence[OracleLayer], edition: KnownEdition) -> Mapping[str, Choice]:
    """Return what the fields that name layers and types may say of the layers."""
    known = edition.oracle
    every = [layer.name for layer in layers]
    wrong = st.sampled_from([*edition.wrong_names, *every])

    def of_types(types: Sequence[str]) -> Choice:
        names = [layer.name for layer in layers if layer.type in types]
        return Choice(st.sampled_from(names or edition.wrong_names), wrong)

    types = Choice(st.sampled_from(known.quantizable), st.sampled_from(edition.wrong_types))
    return {
        "skip_layers": of_types(known.quantizable),
        "skip_fusion_layers": of_types(known.fusible),
        "layer_name": Choice(st.sampled_from(every or edition.wrong_names), wrong),
        "tensor_quantize": of_types(known.tensor),
        "skip_layer_types": types,
        "layer_type": types,
    }


def _tensors_of(layers: Sequence[OracleLayer], edition: KnownEdition) -> Mapping[str, Sequence[int]]:
    """Return the variable inputs of the layers whose inputs can be quantized on their own."""
    return {
        layer.name: [index for index, is_variable in enumerate(layer.inputs) if is_variable]
        for layer in layers
        if layer.type in edition.oracle.tensor
    }


@dataclass(frozen=True)
class _Filler:
    """Draws the content of a request, with errors as often as requested."""

    draw: DrawFn
    message: Any
    names: Mapping[str, Choice]
    tensors: Mapping[str, Sequence[int]]
    errors: Mapping[str, int]

    def arguments(self) -> dict[str, Any]:
        batch_nums = [1, 2, 2**32, 2**70]
        return {
            "skip_layers": self.names_in("skip_layers"),
            "batch_num": self.draw(st.sampled_from([0, -1] if self.has_error("values") else batch_nums)),
            "activation_offset": self.draw(st.booleans()),
        }

    def config(self) -> Any:
        message = self.message()
        self.fill(message)
        return message

    def fill(self, message: Any) -> None:
        fields = list(message.DESCRIPTOR.fields)
        messages = [field for field in fields if field.message_type]
        chosen = self.draw(st.lists(st.sampled_from(fields + messages), max_size=5))
        chosen += [field for field in fields if field.name in _FAVOURED and self.draw(st.booleans())]
        for field in fields:
            if field in chosen or (field.is_required and not self.has_error("required")):
                self.give(message, field)

    def give(self, message: Any, field: FieldDescriptor) -> None:
        if field.name == "tensor_quantize":
            self.add_tensors(getattr(message, field.name))
        elif field.is_repeated and field.message_type:
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

    def add_tensors(self, tensors: Any) -> None:
        for name in self.names_in("tensor_quantize") if self.tensors or self.has_error("names") else ():
            indexes = st.sampled_from(self.tensors.get(name) or [0])
            for index in self.draw(
                st.lists(indexes, min_size=1, max_size=2, unique=not self.has_error("repeats"))
            ):
                tensor = tensors.add()
                self.fill(tensor)
                if tensor.HasField("layer_name"):
                    tensor.layer_name = name
                if tensor.HasField("input_index") and not self.has_error("values"):
                    tensor.input_index = index

    def names_in(self, field: str) -> list[str]:
        values = [self.value(field) for _ in range(self.draw(st.integers(0, 3)))]
        return values if self.has_error("repeats") else list(dict.fromkeys(values))

    def value(self, field: str) -> Any:
        if field in self.names:
            choice, has_error = self.names[field], self.has_error("names")
        else:
            choice, has_error = _VALUES.get(field, _FLAGS), self.has_error("values")
        return self.draw(choice.wrong if has_error else choice.right)

    def has_error(self, what: str) -> bool:
        often = self.errors.get(what, 0)
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
    """A network of an edition, and a request for it."""

    edition: KnownEdition = dataclasses.field(repr=False)
    network: GeneratedNetwork
    request: Request


@st.composite
def cases(draw: DrawFn, edition: KnownEdition) -> Case:
    network = draw(edition.networks)
    return Case(edition, network, draw(requests(edition, network.layers)))
