"""read_model and compile_config."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

import quantcfg
import quantcfg.caffe
from quantcfg import Network, QuantConfigError, compile_config, read_model
from quantcfg.diagnostics.formats.text import render
from tests.api.models import PROTOTXT, Model
from tests.laws import law
from tests.networks import conv, net, network, v1_layer
from tests.plan.compiling import findings

ANY: Any = compile_config
"""The function without argument types, to pass arguments of wrong types."""

NETWORK = network(PROTOTXT)

CONFIG = """
batch_num: 2
skip_layers: ["fc", 'conv1']  # both
common_config { ifmr_quantize { search_step: 0.02, asymmetric: false } }
override_layer_types < layer_type: "Pooling" calibration_config { hfmg_quantize { num_of_bins: 1024 } } >
"""


def test_every_public_name_is_there_and_says_what_it_is() -> None:
    for name in quantcfg.__all__:
        assert getattr(quantcfg, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = quantcfg.nothing


def test_the_function_of_amct_is_that_of_its_caffe_edition() -> None:
    assert quantcfg.create_quant_config is quantcfg.caffe.create_quant_config
    assert set(quantcfg.caffe.__all__) <= set(quantcfg.__all__)


# --- compile_config raises nothing


texts = (
    st.text()
    | st.binary().map(lambda data: data.decode("latin-1"))
    | st.text("\ud800\udfff\0\"'\\{}<>[]:#\n")
)


@st.composite
def damaged_texts(draw: st.DrawFn) -> str:
    """A quant.cfg of which a piece is lost, given twice, or replaced."""
    start, end = sorted(draw(st.tuples(st.integers(0, len(CONFIG)), st.integers(0, len(CONFIG)))))
    piece = draw(st.sampled_from(["", CONFIG[start:end] * 2]) | texts)
    return CONFIG[:start] + piece + CONFIG[end:]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.binary() | st.tuples(texts),
    lambda values: st.lists(values) | st.dictionaries(texts | st.tuples(st.integers()), values),
    max_leaves=5,
)


@law(texts | damaged_texts())
def test_any_text_is_compiled_or_refused_with_errors_that_can_be_shown(text: str) -> None:
    compilation = compile_config(NETWORK, config_text=text)
    assert compilation.ok == (compilation.text is not None)
    assert compilation.ok != any(each.severity == "error" for each in compilation.diagnostics)
    for diagnostic in compilation.diagnostics:
        assert render(diagnostic)


@law(
    st.dictionaries(
        st.sampled_from(["config_text", "config_name", "skip_layers", "batch_num", "activation_offset"]),
        anything,
    )
)
def test_any_arguments_are_compiled_or_refused_with_errors_that_can_be_shown(
    arguments: dict[str, Any],
) -> None:
    compilation = ANY(NETWORK, **arguments)
    assert compilation.ok != any(each.severity == "error" for each in compilation.diagnostics)
    for diagnostic in compilation.diagnostics:
        assert render(diagnostic)


@pytest.mark.parametrize(
    ("arguments", "finding"),
    [
        ({"config_text": b""}, "QC415 1:1 of argument config_text"),
        ({"config_text": 1}, "QC415 1:1 of argument config_text"),
        ({"config_text": Path("quant.cfg")}, "QC415 1:1 of argument config_text"),
        ({"config_text": "", "config_name": None}, "QC415 1:1 of argument config_name"),
    ],
)
def test_text_of_a_wrong_type_is_an_error(arguments: dict[str, Any], finding: str) -> None:
    assert findings(ANY(NETWORK, **arguments)) == [finding]


def test_the_config_is_called_in_diagnostics_what_the_caller_calls_it() -> None:
    compilation = compile_config(NETWORK, config_text="batch_num: 0", config_name="untitled")
    assert findings(compilation) == ["QC501 1:12 of untitled"]


def test_the_warnings_of_a_network_are_reported_with_each_request() -> None:
    shared = network(net(conv("a", param="name: 'w'"), conv("b", param="name: 'w'"), conv("c")))
    for config_text in (None, "", "batch_num: 0", "("):
        assert "QC307" in [each.code for each in compile_config(shared, config_text=config_text).diagnostics]


def test_diagnostics_are_sorted_by_source_and_place() -> None:
    places = [
        (each.span.source.name, each.span.start)
        for each in compile_config(NETWORK, config_text="skip_layers: ['a', 'b']\nbatch_num: 0").diagnostics
        if each.span
    ]
    assert places == sorted(places)
    assert len(places) == 3


def test_the_configuration_and_its_text_are_absent_where_there_are_errors() -> None:
    compilation = compile_config(NETWORK, batch_num=0)
    assert (compilation.ok, compilation.config, compilation.text) == (False, None, None)


# --- read_model


def test_a_model_is_read_with_or_without_weights(model: Model) -> None:
    for weights in (None, model.caffemodel, Path(model.caffemodel)):
        read = read_model(Path(model.prototxt), weights)
        assert [layer.name for layer in read.quantizable] == ["conv1", "pool5", "fc"]
        assert read.by_name["conv1"].weight_shape == ((8, 3, 3, 3) if weights else None)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "QC101"),
        (b"", "QC309"),
        (b"layer {", "QC104"),
        (b"\xef\xbb\xbflayer { }", "QC103"),
        (b"layer { name: '\xff' type: 'Input' top: 'data' }", "QC102"),
        (net(conv("a"), conv("a", "a", "b")).encode(), "QC305"),
    ],
)
def test_a_model_that_cannot_be_read_is_an_error_that_says_why(
    tmp_path: Path, content: bytes | None, code: str
) -> None:
    file = tmp_path / "deploy.prototxt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(QuantConfigError, match=str(file)) as caught:
        read_model(file)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == [code]


def test_weights_that_cannot_be_read_are_an_error_beside_those_of_the_model(
    model: Model, tmp_path: Path
) -> None:
    for weights, code in [("nowhere", "QC101"), (model.prototxt, "QC310"), (str(tmp_path), "QC101")]:
        with pytest.raises(QuantConfigError) as caught:
            read_model(model.prototxt, weights)
        assert [diagnostic.code for diagnostic in caught.value.diagnostics] == [code]
    with pytest.raises(QuantConfigError) as caught:
        read_model("nowhere", "nowhere else")
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["QC101", "QC101"]


@pytest.mark.parametrize(
    "another", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))]
)
def test_an_error_can_be_copied_and_sent_to_another_process(
    another: Callable[[QuantConfigError], QuantConfigError],
) -> None:
    with pytest.raises(QuantConfigError) as caught:
        read_model("nowhere")
    same = another(caught.value)
    assert type(same) is QuantConfigError
    assert (str(same), same.diagnostics) == (str(caught.value), caught.value.diagnostics)


# --- several threads


@pytest.fixture
def frequent_switches() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


V1_PROTOTXT = net(
    v1_layer("c", "CONVOLUTION", rest="convolution_param { num_output: 8 kernel_size: 3 }"),
    v1_layer("p", "POOLING", "c", rest="pooling_param { pool: AVE kernel_size: 2 }"),
)
REQUESTS = [
    None,
    "",
    CONFIG,
    "batch_num: 0 skip_layers: 'nowhere'",
    "common_config { hfmg_quantize { asymmetric: false } }",
    "common_config { arq_quantize { channel_wise: true } }",
    "override_layer_types { layer_type: 'Pooling' }",
    "batch_num: )",
]


def result(prototxt: str, config_text: str | None) -> tuple[str | None, list[str]]:
    compilation = compile_config(network(prototxt), config_text=config_text)
    return compilation.text, [render(diagnostic) for diagnostic in compilation.diagnostics]


@pytest.mark.usefixtures("frequent_switches")
def test_several_threads_get_what_a_single_one_gets() -> None:
    cases = [(prototxt, request) for prototxt in (PROTOTXT, V1_PROTOTXT) for request in REQUESTS] * 4
    alone = [result(*case) for case in cases]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda case: result(*case), cases))
    assert together == alone
    assert len({text for text, _ in alone}) > 5


def test_threads_that_are_the_first_to_use_the_library_are_in_nobodys_way() -> None:
    program = (
        "import sys; from threading import Barrier; from concurrent.futures import ThreadPoolExecutor\n"
        "from tests.networks import network, v1_layer\n"
        "sys.setswitchinterval(1e-6); barrier = Barrier(8)\n"
        "def read(_): barrier.wait(); return len(network(v1_layer('conv', 'CONVOLUTION')).layers)\n"
        "print(sum(ThreadPoolExecutor(8).map(read, range(8))))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.stdout == "8\n", done.stderr


def test_a_number_too_long_to_be_written_is_an_error() -> None:
    (finding,) = compile_config(NETWORK, batch_num=10**5000).diagnostics
    assert finding.code == "QC415"
    assert render(finding)


def test_a_network_serves_many_requests() -> None:
    read: Network = network(PROTOTXT)
    first = [compile_config(read, config_text=request) for request in REQUESTS]
    again = [compile_config(read, config_text=request) for request in reversed(REQUESTS)]
    assert [each.text for each in first] == [each.text for each in reversed(again)]
