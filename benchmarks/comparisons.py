"""The comparisons: what is measured, what it is compared with, and the goal."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from jsonschema import Draft202012Validator

from benchmarks import inputs, texts
from benchmarks.editor import keystroke, long_prototxt
from benchmarks.measure import (
    HAS_MEMORY,
    Costs,
    Work,
    anonymous_megabytes,
    elapsed_milliseconds,
    megabytes,
    milliseconds,
    process,
)
from quantcfg import check_text, cli, compile_config, contracts, limits
from quantcfg.api import load_model
from quantcfg.diagnostics import Diagnostic
from quantcfg.editions.caffe.weights import read_weights
from quantcfg.network import MessageType, Network
from quantcfg.source import Source
from quantcfg.textproto import Dialect, bind, parse

_MEGABYTE, _GIGABYTE = 2**20, 2**30
_NET, _REQUEST = ("caffe", "caffe.NetParameter"), ("calibration_config_caffe", "amct_caffe.AMCTConfig")
_READ_ALONE = """
import sys
sys.path.insert(0, sys.argv[1])
import caffe_pb2
from google.protobuf import text_format
text_format.Parse(open(sys.argv[2]).read(), caffe_pb2.NetParameter(), allow_unknown_field=True)
"""
_QUANTIZE_ALONE = """
import sys
sys.path.insert(0, sys.argv[1])
import caffe_pb2
import numpy as np
net = caffe_pb2.StoredNet()
net.ParseFromString(open(sys.argv[2], "rb").read())
for layer in net.layer:
    if layer.type == b"Convolution":
        weight = np.array(layer.blobs[0].data, np.float32).reshape(layer.blobs[0].shape.dim[0], -1)
        for axis in (None, 1):
            scale = np.abs(weight).max(axis=axis, keepdims=True) / 127
            error = np.clip(np.rint(weight / scale), -128, 127) * scale - weight
            print(layer.name, 10 * np.log10(np.square(weight).sum() / np.square(error).sum()))
"""
_PROTO = Path(__file__).parents[1] / "proto"
_READ_WEIGHTS = "from quantcfg.editions.caffe.weights import read_weights; read_weights({}, print)"
_READ_ONNX = "from quantcfg.api import load_model; assert load_model({}, None, print)"
_COMPILE = "from quantcfg.api import compile_files; assert compile_files({}_model, None, {}_config).ok"
_LONGEST_KEYSTROKE = 25
"""The goal for a keystroke in milliseconds; a longer wait is noticeable."""

_LONGEST_ANSWER = 2_000
"""The goal for a request about a long file in milliseconds."""

_MOST_MEMORY = 16
"""The goal for the memory to read weights in megabytes."""

_MOST_MEMORY_OF_ADVICE = 300
"""The goal for the memory of advice in megabytes, without mapped pages."""

_ADVISED = ((25, 200, 118, 2_000), (230, inputs.RESNET_152, 195, 5_000))
"""Networks to advise on: megabytes, layers, channels, and the goal for the time in milliseconds."""

_NODES = 200
"""The number of nodes of the ONNX models that are read."""

_LONGEST_READING = 1_000
"""The goal for reading a large ONNX model in milliseconds."""

_DUPLICATES = 300_000
"""How often a key is repeated in a configuration with duplicates."""

_LONGEST_CHECK = 2_000
"""The goal for the check of that configuration in milliseconds."""

_GROWTH, _GROWTH_OF_ONNX = 25, 30
"""Goals for ten times as many layers: full garbage collections grow faster than the work itself."""
_ROUNDS_OF_GROWTH = 9
"""The minimum number of rounds for growth: the clock speed changes between the long measurements."""


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. Without a goal, it is for information."""

    what: str
    against: str
    costs: Costs
    goal: float | None = None
    unit: str = "ms"

    @property
    def verdict(self) -> str:
        """Whether the goal is met; empty without a goal."""
        if self.goal is None:
            return ""
        return "met" if self.costs.ratio <= self.goal else "missed"


def results(directory: Path, model: Path, config: Path) -> Iterator[Result]:
    """Run all comparisons."""
    # First, because values created later are scattered in memory, which makes a compile slower.
    compiling = list(_compiling(directory))
    yield from _reading_a_model(model)
    yield from _reading_a_request(inputs.quant_cfg(500))
    yield from compiling
    yield from _reading_unusual_inputs()
    yield from _compiling_in_a_process(directory, model, config)
    yield from _starting()
    yield from _weights(directory)
    yield from _weights_of_small_layers(directory)
    for network in _ADVISED:
        yield from advising(directory, *network)
    yield from _growth(directory)
    yield from reading_onnx(directory, 2 * _GIGABYTE)
    yield from growth_of_onnx(directory, (500, 5_000, limits.LAYERS))
    yield from _checking(directory)
    yield from _checking_invalid(directory)
    yield from _editing(directory)


def results_of(directory: Path, model: Path, config: Path) -> Iterator[Result]:
    """Run the comparisons for one prototxt. They have no goals, which apply to generated input."""
    for result in (*_reading_a_model(model), *_compiling_in_a_process(directory, model, config)):
        yield replace(result, goal=None)


def generated_model(directory: Path) -> Path:
    """Write a prototxt the size of ResNet-152, and return its path."""
    model = directory / "deploy.prototxt"
    model.write_text(inputs.prototxt(inputs.RESNET_152))
    return model


def small_request(directory: Path) -> Path:
    """Write a small quant.cfg, and return its path."""
    config = directory / "small.cfg"
    config.write_text("common_config { ifmr_quantize { search_step: 0.02 } }\n")
    return config


def _reading_a_model(model: Path) -> Iterator[Result]:
    text = model.read_text()
    yield from _reading(
        f"a {inputs.kilobytes(text)} prototxt",
        lambda: parse(Source("deploy.prototxt", text), print),
        lambda: _message_in(text, _NET),
        lambda: text_format.Parse(text, _message(_NET), allow_unknown_field=True),
    )


def _reading_a_request(text: str) -> Iterator[Result]:
    yield from _reading(
        f"a {inputs.kilobytes(text)} quant.cfg",
        lambda: parse(Source("quant.cfg", text), print),
        lambda: _message_in(text, _REQUEST),
        lambda: text_format.Parse(text, _message(_REQUEST)),
    )


def _reading(what: str, tree: Work, message: Work, theirs: Work) -> Iterator[Result]:
    yield Result(f"syntax tree of {what}", "text_format.Parse", milliseconds(tree, theirs), goal=0.5)
    yield Result("syntax tree and message with locations", "text_format.Parse", milliseconds(message, theirs))


def _reading_unusual_inputs() -> Iterator[Result]:
    for what, text in texts.networks().items():
        yield _reading_unusual(what, text, _NET, goal=2)
    for what, text in texts.requests().items():
        yield _reading_unusual(what, text, _REQUEST, goal=2)
    yield Result(
        "message from 1 MB of invalid characters",
        "text_format.Parse of 1 MB of comments",
        milliseconds(
            lambda: _message_in(texts.INVALID, _NET),
            lambda: text_format.Parse(texts.COMMENTS, _message(_NET)),
        ),
        goal=2,
    )


def _reading_unusual(what: str, text: str, name: tuple[str, str], goal: float) -> Result:
    costs = milliseconds(
        lambda: _message_in(text, name),
        lambda: text_format.Parse(text, _message(name), allow_unknown_field=True),
    )
    return Result(f"message from 1 MB of {what}", "text_format.Parse", costs, goal)


def _message_in(text: str, name: tuple[str, str]) -> object:
    """Parse and bind text, and discard its errors."""
    errors: list[Diagnostic] = []
    document = parse(Source("text", text), errors.append)
    binding = bind(document, MessageType(*name).descriptor, errors.append, Dialect(lenient=name == _NET))
    return contracts.message_class(*name)(**binding.whole.content())


def _compiling(directory: Path) -> Iterator[Result]:
    network, request = _network(directory, inputs.prototxt(2000)), inputs.quant_cfg(500)
    yield Result(
        "compile_config, 500 layers with 500 overrides",
        "text_format.Merge of the quant.cfg",
        milliseconds(
            lambda: compile_config(network, config_text=request),
            lambda: text_format.Merge(request, _message(_REQUEST)),
        ),
        goal=1.0,
    )


def _compiling_in_a_process(directory: Path, model: Path, config: Path) -> Iterator[Result]:
    arguments = ("--model", model, "--config", config, "-o", directory / "config.json")
    process("-m", "grpc_tools.protoc", "-I", _PROTO, f"--python_out={directory}", "caffe.proto")
    process("-m", "compileall", "-q", directory)
    yield Result(
        "quantcfg compile, new process",
        "text_format.Parse, new process",
        milliseconds(
            lambda: process("-m", "quantcfg", "compile", *arguments),
            lambda: process("-c", _READ_ALONE, directory, model),
        ),
        goal=1,
    )


def _starting() -> Iterator[Result]:
    for option in ("--version", "--help"):
        costs = milliseconds(lambda: process("-m", "quantcfg", option), lambda: process("-c", "pass"))  # noqa: B023
        yield Result(f"quantcfg {option}", "python -c pass", costs, goal=3)


def _weights(directory: Path) -> Iterator[Result]:
    small, medium, large = (directory / f"{size}.caffemodel" for size in (1, 230, 400))
    for file in (small, medium, large):
        inputs.write_weights(file, 150, int(file.stem) * _MEGABYTE)
    yield Result(
        "names and shapes of a 230 MB caffemodel",
        "ParseFromString",
        milliseconds(
            lambda: read_weights(medium, print),
            lambda: _message(_NET).ParseFromString(medium.read_bytes()),
        ),
        goal=0.05,
    )
    if HAS_MEMORY:
        setup, work = (_READ_WEIGHTS.format(size) for size in ("small", "medium"))
        added = megabytes(setup, work, small=small, medium=medium)
        yield Result(
            "memory for a 230 MB caffemodel",
            f"{_MOST_MEMORY} MB",
            Costs(added, _MOST_MEMORY),
            goal=1,
            unit="MB",
        )
    yield Result(
        "names and shapes of a 400 MB caffemodel",
        "a 1 MB one with as many layers",
        milliseconds(lambda: read_weights(large, print), lambda: read_weights(small, print)),
    )


def _weights_of_small_layers(directory: Path) -> Iterator[Result]:
    for layers, size in ((150, 1), (limits.LAYERS, 8)):
        file = directory / f"{layers}_layers.caffemodel"
        inputs.write_weights(file, layers, size * _MEGABYTE)
        yield Result(
            f"names and shapes of {layers:,} layers in a caffemodel of {size} MB",
            "ParseFromString and a loop over its layers",
            milliseconds(lambda: read_weights(file, print), lambda: _names_and_shapes(file)),  # noqa: B023
            goal=2,
        )


def _names_and_shapes(file: Path) -> dict[str, list[tuple[int, ...]]]:
    net = _message(_NET)
    net.ParseFromString(file.read_bytes())
    return {layer.name: [_shape(blob) for blob in layer.blobs] for layer in net.layer}


def _shape(blob: Any) -> tuple[int, ...]:
    if blob.HasField("shape"):
        return tuple(blob.shape.dim)
    return blob.num, blob.channels, blob.height, blob.width


def advising(directory: Path, size: int, layers: int, channels: int, longest: int) -> Iterator[Result]:
    """Advise on a network with weights of size megabytes; longest is the goal in milliseconds."""
    model, weights = advised_network(directory, layers, channels)
    advise = ("-m", "quantcfg", "advise", "--model", model, "--weights", weights)
    what = f"quantcfg advise, {size} MB caffemodel, new process"
    elapsed = elapsed_milliseconds(lambda: process(*advise), rounds=3)
    yield Result(what, f"{longest} ms", Costs(elapsed, longest), goal=1)
    process("-m", "grpc_tools.protoc", "-I", _PROTO, f"--python_out={directory}", "caffe.proto")
    costs = milliseconds(lambda: process(*advise), lambda: process("-c", _QUANTIZE_ALONE, directory, weights))
    yield Result(what, "SQNR by protobuf and numpy, without folding", costs)
    if HAS_MEMORY:
        costs = Costs(anonymous_megabytes(*advise), _MOST_MEMORY_OF_ADVICE)
        yield Result(
            f"memory of quantcfg advise, {size} MB caffemodel",
            f"{_MOST_MEMORY_OF_ADVICE} MB",
            costs,
            goal=1,
            unit="MB",
        )


def advised_network(directory: Path, layers: int, channels: int) -> tuple[Path, Path]:
    """Write a network with random weights, and return the paths of its prototxt and its caffemodel."""
    model, weights = (directory / f"advised_{layers}.{suffix}" for suffix in ("prototxt", "caffemodel"))
    model.write_text(inputs.prototxt(layers, channels))
    inputs.write_random_weights(weights, layers, channels)
    return model, weights


def _growth(directory: Path) -> Iterator[Result]:
    counts = (100, 2_000, 20_000)
    networks = {count: _network(directory, inputs.convolutions(count)) for count in counts}
    requests = {count: inputs.quant_cfg(count) for count in counts}

    def costs(many: int, few: int) -> Costs:
        return milliseconds(
            lambda: compile_config(networks[many], config_text=requests[many]),
            lambda: compile_config(networks[few], config_text=requests[few]),
            fewest=_ROUNDS_OF_GROWTH,
        )

    yield Result("compile 2,000 layers with 2,000 overrides", "100 layers and overrides", costs(2_000, 100))
    yield Result(
        "compile 20,000 layers with 20,000 overrides",
        "2,000 layers and overrides",
        costs(20_000, 2_000),
        goal=_GROWTH,
    )
    if HAS_MEMORY:
        least, few, many = (_request_in_files(directory, count) for count in counts)
        costs_in_memory = Costs(*(_memory(least, files) for files in (many, few)))
        yield Result(
            "memory to read and compile 20,000 layers",
            "2,000 layers and overrides",
            costs_in_memory,
            goal=11,
            unit="MB",
        )


def reading_onnx(directory: Path, size: int) -> Iterator[Result]:
    """Read a sparse ONNX model of a size in bytes, and a small one before to load all modules."""
    small, large = (directory / f"{name}.onnx" for name in ("small", "large"))
    inputs.write_onnx(small, _NODES)
    inputs.write_onnx(large, _NODES, size)
    what = f"{_NODES} nodes of an ONNX model of {size / _GIGABYTE:.1g} GB"
    elapsed = elapsed_milliseconds(lambda: load_model(large, None, print))
    yield Result(f"read {what}", f"{_LONGEST_READING} ms", Costs(elapsed, _LONGEST_READING), goal=1)
    if HAS_MEMORY:
        setup, work = (_READ_ONNX.format(name) for name in ("small", "large"))
        added = megabytes(setup, work, small=small, large=large)
        costs = Costs(added, _MOST_MEMORY)
        yield Result(f"memory for {what}", f"{_MOST_MEMORY} MB", costs, goal=1, unit="MB")


def growth_of_onnx(directory: Path, counts: tuple[int, int, int]) -> Iterator[Result]:
    """Compile ONNX networks of three sizes, each ten times as large as the one before."""
    networks = {count: _onnx_network(directory, count) for count in counts}
    requests = {count: inputs.quant_cfg(count) for count in counts}
    for few, many in pairwise(counts):
        costs = milliseconds(
            lambda: compile_config(networks[many], config_text=requests[many]),  # noqa: B023
            lambda: compile_config(networks[few], config_text=requests[few]),  # noqa: B023
        )
        against = f"{few:,} nodes and overrides"
        yield Result(
            f"compile {many:,} ONNX nodes with {many:,} overrides", against, costs, goal=_GROWTH_OF_ONNX
        )


def _onnx_network(directory: Path, count: int) -> Network:
    file = directory / f"{count}.onnx"
    inputs.write_onnx(file, count)
    network = load_model(file, None, print)
    assert network
    return network


def _memory(small: tuple[Path, Path], large: tuple[Path, Path]) -> float:
    """Return how much memory a large compile adds to a process that has compiled a small request."""
    (small_model, small_config), (large_model, large_config) = small, large
    return megabytes(
        _COMPILE.format("small", "small"),
        _COMPILE.format("large", "large"),
        small_model=small_model,
        small_config=small_config,
        large_model=large_model,
        large_config=large_config,
    )


def _request_in_files(directory: Path, count: int) -> tuple[Path, Path]:
    """Write a prototxt with count layers and a quant.cfg with count overrides."""
    model, config = directory / f"{count}.prototxt", directory / f"{count}.cfg"
    model.write_text(inputs.convolutions(count))
    config.write_text(inputs.quant_cfg(count))
    return model, config


def _checking(directory: Path) -> Iterator[Result]:
    text = compile_config(_network(directory, inputs.convolutions(60)), config_text=inputs.quant_cfg(60)).text
    assert text
    files = [directory / f"{number}.json" for number in range(500)]
    for number, file in enumerate(files):
        file.write_text(text if number % 50 else inputs.with_wrong_value(text, number + 1))
    validator = Draft202012Validator(contracts.schema("quant_config.schema.json"))
    assert _checked(files) == [validator.is_valid(json.loads(file.read_text())) for file in files]
    yield Result(
        "quantcfg check of 500 configurations",
        "jsonschema's Draft202012Validator",
        milliseconds(
            lambda: _checked(files),
            lambda: [list(validator.iter_errors(json.loads(file.read_text()))) for file in files],
        ),
        goal=0.5,
    )


def _checking_invalid(directory: Path) -> Iterator[Result]:
    text = compile_config(
        _network(directory, inputs.convolutions(500)), config_text=inputs.quant_cfg(500)
    ).text
    assert text
    wrong = {"one trailing comma": f"{text[:-2]},\n}}", "one wrong value": inputs.with_wrong_value(text, 250)}
    for what, content in wrong.items():
        yield Result(
            f"check of a {inputs.kilobytes(content)} configuration, {what}",
            "json.loads of the valid configuration",
            milliseconds(lambda: check_text(content, "config.json"), lambda: json.loads(text)),  # noqa: B023
            goal=20,
        )
    repeated = "{" + ", ".join(_DUPLICATES * ['"batch_num": 1']) + "}"
    costs = milliseconds(lambda: check_text(repeated, "config.json"), lambda: None)
    yield Result(
        f"check of {_DUPLICATES:,} duplicate keys",
        f"{_LONGEST_CHECK} ms",
        Costs(costs.ours, _LONGEST_CHECK),
        goal=1,
    )


def _editing(directory: Path) -> Iterator[Result]:
    with keystroke(directory) as (what, typed):
        costs = Costs(elapsed_milliseconds(typed), _LONGEST_KEYSTROKE)
        yield Result(what, f"{_LONGEST_KEYSTROKE} ms", costs, goal=1)
    with long_prototxt(directory) as requests:
        for what, request in requests.items():
            costs = Costs(elapsed_milliseconds(request, rounds=3), _LONGEST_ANSWER)
            yield Result(
                f"{what} of a {limits.LAYERS:,}-layer prototxt", f"{_LONGEST_ANSWER} ms", costs, goal=1
            )


def _checked(files: list[Path]) -> list[bool]:
    """Return for each file whether quantcfg check accepts it."""
    output = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(output, "utf-8")) as text, redirect_stderr(io.StringIO()):
        cli.main(["check", "--format", "json", *map(str, files)])
        text.flush()
    wrong = {each["file"] for each in json.loads(output.getvalue())["diagnostics"]}
    return [str(file) not in wrong for file in files]


def _network(directory: Path, text: str) -> Network:
    file = directory / "network.prototxt"
    file.write_text(text)
    network = load_model(file, None, lambda diagnostic: print(diagnostic, file=sys.stderr))
    assert network
    return network


def _message(name: tuple[str, str]) -> Any:
    return contracts.message_class(*name)()
