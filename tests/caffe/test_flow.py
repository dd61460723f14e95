"""The connections of layers by blobs that Caffe's Net::Init rejects, and the inputs of a net."""

from __future__ import annotations

import pytest

from quantcfg.diagnostics import Severity, catalogue
from tests.laws import TWICE, calls
from tests.networks import (
    conv,
    diagnose,
    inner_product,
    layer,
    net,
    network,
    pool,
    relu,
    scale,
    v0_layer,
    v1_layer,
)

V2_INPUT = "input: 'x' input_shape { dim: [1, 3, 8, 8] }"
V1_INPUT = "input: 'x' input_dim: [1, 3, 8, 8]"


def findings(text: str) -> list[tuple[str, str]]:
    """Return the codes of the diagnostics of a prototxt, with the text at their spans."""
    return [(each.code, each.span.text if each.span else "") for each in diagnose(text)]


# Bottoms


@pytest.mark.parametrize(
    ("text", "word", "help"),
    [
        (net(V2_INPUT, conv("conv1", "x"), relu("r", "conv_1")), '"conv_1"', 'did you mean "conv1"?'),
        (
            net(conv("b", "a", "b"), conv("a", "x", "a"), V2_INPUT),
            '"a"',
            "move it after the layer that writes the blob",
        ),
        (
            net(layer("x", "ImageData", (), ("x", "y"), include="phase: TRAIN"), conv("a", "x")),
            '"x"',
            'add an Input layer with the top "x"',
        ),
        (
            net(V2_INPUT, conv("a", "x", include="phase: TRAIN"), relu("r", "a")),
            '"a"',
            'include layer "a" in phase TEST',
        ),
        (conv("a", "x"), '"x"', 'add an Input layer with the top "x"'),
        (
            net("input: 'x'", conv("a", "x")),
            '"x"',
            'add input_shape { dim: ... } for input "x"',
        ),
        (net("input: 'x'", v1_layer("a", "RELU", "x")), '"x"', "add input_shape"),
        (net("input: 'x'", v0_layer("a", "relu", "x")), '"x"', 'add four input_dim for input "x"'),
        (
            net("input: 'x' input_shape { dim: [1, 3, 8, 8] }", v0_layer("a", "relu", "x")),
            '"x"',
            'add four input_dim for input "x"',
        ),
    ],
    ids=[
        "a slip",
        "written later",
        "data of phase TRAIN",
        "a layer of phase TRAIN",
        "no source",
        "an input without shape",
        "the same in V1",
        "the same in V0",
        "input_shape in V0, which its upgrade drops",
    ],
)
def test_a_blob_that_no_earlier_layer_writes_is_a_warning(text: str, word: str, help: str) -> None:
    (warning,) = diagnose(text)
    assert (warning.code, warning.severity) == (catalogue.UNKNOWN_BOTTOM.code, Severity.WARNING)
    assert warning.span
    assert warning.span.text.replace("'", '"') == word
    assert warning.help
    assert warning.help.startswith(help)


def test_what_writes_the_blob_in_another_phase_or_later_is_shown() -> None:
    text = net(V2_INPUT, relu("r", "late"), conv("late", "x"))
    (warning,) = diagnose(text)
    assert [each.span.start for each in warning.related] == [text.index('"late"', text.index('name: "late"'))]


def test_each_missing_blob_is_reported_once_where_it_is_read_first() -> None:
    text = net(relu("a", "x", "a"), relu("b", "x", "b"), layer("c", "Eltwise", ("a", "y")))
    assert findings(text) == [("QC320", '"x"'), ("QC320", '"y"')]


@pytest.mark.parametrize(
    "text",
    [
        net(V2_INPUT, conv("a", "x")),
        net(conv("a", "x"), V2_INPUT),
        net(V1_INPUT, v1_layer("a", "RELU", "x")),
        net(V1_INPUT, v0_layer("a", "relu", "x")),
        net(V1_INPUT, v0_layer("p", "padding", "x", "p"), v0_layer("a", "relu", "x")),
        net(layer("in", "Input", (), "x", input_param="shape { dim: [1, 3, 8, 8] }"), conv("a", "x")),
        net(layer("in", "MyData", (), "x"), conv("a", "x")),
        net(layer("in", "Input", (), "x"), relu("a", "x", "x"), relu("b", "x", "y")),
    ],
)
def test_a_blob_with_a_source_is_not_reported(text: str) -> None:
    assert diagnose(text) == []


def test_the_upgrade_of_a_v0_net_stops_at_a_blob_without_a_source() -> None:
    (error,) = diagnose(net(V1_INPUT, v0_layer("a", "relu", "y")))
    assert (error.code, error.severity) == (catalogue.UNKNOWN_BOTTOM_OF_V0.code, Severity.ERROR)
    assert error.span
    assert error.span.text == '"y"'


# Inputs beside the layers


@pytest.mark.parametrize(
    "text",
    [
        "input: 'x' input: 'y' input_shape { dim: [1, 3] }",
        "input: ['x', 'y'] input_dim: [1, 3, 8, 8]",
        "input: ['x', 'y'] input_dim: [1, 3, 8, 8, 1, 3]",
        "input: ['x', 'y', 'z'] input_shape { dim: [1, 3] }",
    ],
)
def test_inputs_with_too_few_shapes_are_an_error_as_caffe_reads_on_behind_them(text: str) -> None:
    (error,) = diagnose(net(text, relu("a", "x")))
    assert (error.code, error.severity) == (catalogue.INPUT_WITHOUT_SHAPE.code, Severity.ERROR)
    assert error.span
    assert error.span.text == "'y'"


def test_an_input_that_is_named_again_is_a_warning() -> None:
    text = net("input: 'x' input: 'x' input_dim: [1, 3, 8, 8, 1, 3, 8, 8]", relu("a", "x"))
    (warning,) = diagnose(text)
    assert (warning.code, warning.severity) == (catalogue.WRITTEN_AGAIN.code, Severity.WARNING)


def test_more_shapes_than_inputs_do_no_harm() -> None:
    assert diagnose(net("input: 'x' input_dim: [1, 3, 8, 8, 1, 3, 8, 8]", relu("a", "x"))) == []


# Tops


@pytest.mark.parametrize(
    "text",
    [
        net(V2_INPUT, conv("a", "x", "y"), conv("b", "x", "y")),
        net(V2_INPUT, conv("a", "x"), layer("b", "Concat", ("x", "a"), "a")),
        net(V2_INPUT, conv("a", "x", "x"), relu("b", "x", "x"), conv("c", "x", "y"), relu("d", "y", "x")),
        net(V2_INPUT, layer("x", "Input", (), "x")),
        net(V2_INPUT, layer("a", "Split", "x", ("y", "y"))),
    ],
    ids=["two writers", "not in place", "a third writer", "an input and a layer", "one layer twice"],
)
def test_a_blob_that_is_written_again_is_a_warning(text: str) -> None:
    (warning,) = diagnose(text)
    assert (warning.code, warning.severity) == (catalogue.WRITTEN_AGAIN.code, Severity.WARNING)
    assert warning.help == "rename this top"


def test_a_blob_that_another_layer_reads_cannot_be_changed_in_place() -> None:
    text = net(V2_INPUT, conv("a", "x"), relu("branch", "a"), relu("r", "a", "a"), conv("b", "a"))
    (warning,) = diagnose(text)
    assert warning.code == catalogue.WRITTEN_AGAIN.code
    assert warning.message == 'layer "r" writes blob "a", which is already written'
    assert warning.help == "rename this top: other layers read the blob too"
    assert [each.span.text for each in warning.related] == ['"a"']


@pytest.mark.parametrize(
    "text",
    [
        net(
            V2_INPUT,
            conv("a", "x"),
            relu("r", "a", "a"),
            scale("s", "a", "a"),
            relu("b", "a"),
            relu("c", "a"),
        ),
        net(V2_INPUT, relu("r", "x", "x"), conv("a", "x"), conv("b", "x")),
        net(V2_INPUT, conv("a", ("x", "x"), ("a", "b")), relu("r", "b", "b")),
        net(V2_INPUT, conv("y", "x", include="phase: TRAIN"), conv("y", "x", include="phase: TEST")),
    ],
)
def test_changes_in_place_before_the_blob_is_read_twice_are_in_order(text: str) -> None:
    assert diagnose(text) == []


# How many


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (relu("a", ("x", "x")), 'layer "a" has 2 bottoms, but ReLU takes 1'),
        (relu("a", "x", ()), 'layer "a" has no top'),
        (relu("a", "x", ("y", "z")), 'layer "a" has 2 tops, but ReLU takes 1'),
        (layer("a", "Eltwise", "x"), 'layer "a" has 1 bottom, but Eltwise takes at least 2'),
        (layer("a", "Crop", ("x", "x", "x")), 'layer "a" has 3 bottoms, but Crop takes 2'),
        (
            conv("a", ("x", "x"), "a"),
            'layer "a" has 2 bottoms and 1 top, but Convolution needs the same number of both',
        ),
        (inner_product("a", ("x", "x")), 'layer "a" has 2 bottoms, but InnerProduct takes 1'),
        (pool("a", "x", ("a", "b", "c"), "kernel_size: 2"), 'layer "a" has 3 tops, but Pooling takes 1 to 2'),
        (layer("a", "Input", "x", "y"), 'layer "a" has 1 bottom, but Input takes 0'),
        (layer("a", "Silence", "x", "y"), 'layer "a" has 1 top, but Silence takes 0'),
        (relu("a", ("x", "x"), ()), 'layer "a" has 2 bottoms, but ReLU takes 1'),
        (conv("a", (), "a"), 'layer "a" has no bottom'),
    ],
)
def test_a_wrong_number_of_inputs_or_outputs_is_a_warning(text: str, problem: str) -> None:
    (warning,) = diagnose(net(V2_INPUT, text))
    assert (warning.code, warning.severity) == (catalogue.WRONG_BLOB_COUNT.code, Severity.WARNING)
    assert warning.message == problem


@pytest.mark.parametrize(
    "text",
    [
        layer("a", "Warp", ("x", "x"), ("a", "b", "c")),
        layer("a", "Python", ("x", "x"), ()),
        layer("a", "SoftmaxWithLoss", ("x", "x"), ()),
        layer("a", "SoftmaxWithLoss", ("x", "x"), ("loss", "prob")),
        pool("a", "x", ("a", "mask"), parameters="pool: MAX kernel_size: 2"),
        layer("a", "Slice", "x", ("a", "b", "c")),
        scale("a", ("x", "x"), "a"),
    ],
)
def test_as_many_inputs_and_outputs_as_the_type_takes_are_in_order(text: str) -> None:
    assert diagnose(net(V2_INPUT, text)) == []


# Each once


def test_a_layer_without_a_top_is_one_warning() -> None:
    (warning,) = diagnose(net(V2_INPUT, conv("a", "x", ()), relu("b", "a")))
    assert (warning.message, warning.help) == ('layer "a" has no top', 'add top: "a"')


def test_a_misspelt_blob_of_a_layer_in_place_is_one_warning() -> None:
    text = net(V2_INPUT, conv("a", "x"), scale("s", "A", "a"), relu("r", "a", "a"))
    assert findings(text) == [("QC320", '"A"')]


def test_a_misspelt_field_is_one_warning() -> None:
    for text in (
        conv("a", "x", parameters="num_ouput: 8 kernel_size: 3"),
        conv("a", "x").replace("convolution_param", "convoluton_param"),
        conv("a", "x").replace("layer {", "layr {") + relu("r", "a"),
        conv("a", "x").replace("  bottom:", "  botom:"),
    ):
        found = [each.code for each in diagnose(net(V2_INPUT, text, conv("other", "x")))]
        assert found == ["QC314"], text


def test_a_name_that_cannot_be_read_is_one_error() -> None:
    assert [code for code, _ in findings(conv("a").replace('"a"', "a", 1))] == ["QC202"]


def test_what_caffe_cannot_read_is_not_blamed_for_what_follows() -> None:
    text = net(V2_INPUT, layer("a", "Pooling", "y", pooling_param="pool: AVG"))
    assert [each.code for each in diagnose(text)] == [catalogue.UNKNOWN_WORD.code]


def test_a_network_with_warnings_alone_is_read() -> None:
    assert [each.name for each in network(net(conv("a", "nowhere"), conv("b", "x"))).layers] == ["a", "b"]


# Growth


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        'layer {{ name: "r{0}" type: "ReLU" bottom: "missing_{0}" top: "out_{0}" }}',
        'layer {{ name: "r{0}" type: "ReLU" bottom: "in_{0}" top: "out" }}',
        'layer {{ name: "r{0}" type: "Rel{0}" bottom: "x" top: "out_{0}" }}',
        'layer {{ name: "r{0}" type: "ReLU" name: "again" bottom: "x" top: "out_{0}" }}',
        'layer {{ name: "r{0}" typ: "ReLU" bottom: "x" top: "out_{0}" }}',
    ],
    ids=["missing blobs", "blobs written again", "unknown types", "fields given twice", "misspelt fields"],
)
def test_the_time_for_what_is_wrong_grows_in_step_with_the_network(line: str) -> None:
    small, large = (net(V2_INPUT, *map(line.format, range(count))) for count in (200, 400))
    assert calls(lambda: diagnose(large)) < TWICE * calls(lambda: diagnose(small))


@pytest.mark.slow
def test_the_time_for_a_layer_with_many_blobs_grows_in_step_with_them() -> None:
    small, large = (
        net(V2_INPUT, conv("c", [f"b{each}" for each in range(count)], [f"b{each}" for each in range(count)]))
        for count in (500, 1000)
    )
    assert calls(lambda: diagnose(large)) < TWICE * calls(lambda: diagnose(small))
