from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from google.protobuf import text_format

from quantcfg import contracts
from quantcfg.diagnostics import Severity, catalogue
from quantcfg.diagnostics.catalogue import Rule
from quantcfg.network import Layer
from tests.laws import law
from tests.networks import (
    INPUT,
    codes,
    conv,
    diagnose,
    inner_product,
    layer,
    net,
    network,
    pool,
    relu,
    v0_layer,
    v1_layer,
)
from tests.textproto.near_misses import nearly_valid_texts
from tests.textproto.strategies import messages

if TYPE_CHECKING:
    from google.protobuf.message import Message

Net = contracts.message_class("caffe", "caffe.NetParameter")

V1_TYPES: dict[str, str] = contracts.schema("caffe_layers.json")["v1_types"]
V0_TYPES: dict[str, str] = contracts.schema("caffe_layers.json")["v0_types"]

V2_NET = net(
    layer("data", "Data", (), ("data", "label")),
    conv("conv1", parameters="num_output: 20 kernel_size: 5 group: 2"),
    relu("relu1", "conv1", top="conv1"),
    pool("pool1", "conv1"),
    pool("pool2", "pool1", parameters="kernel_size: 2"),
    inner_product("ip1", "pool2", parameters="num_output: 10"),
    layer("loss", "SoftmaxWithLoss", ("ip1", "label")),
)
V1_NET = net(
    v1_layer("data", "DATA", (), ("data", "label")),
    v1_layer("conv1", "CONVOLUTION", rest="convolution_param { num_output: 20 kernel_size: 5 group: 2 }"),
    v1_layer("relu1", "RELU", "conv1", top="conv1"),
    v1_layer("pool1", "POOLING", "conv1", rest="pooling_param { pool: AVE kernel_size: 2 }"),
    v1_layer("pool2", "POOLING", "pool1", rest="pooling_param { kernel_size: 2 }"),
    v1_layer("ip1", "INNER_PRODUCT", "pool2", rest="inner_product_param { num_output: 10 }"),
    v1_layer("loss", "SOFTMAX_LOSS", ("ip1", "label")),
)
V0_NET = net(
    v0_layer("data", "data", (), ("data", "label")),
    v0_layer("conv1", "conv", rest="num_output: 20 kernelsize: 5 group: 2"),
    v0_layer("relu1", "relu", "conv1", top="conv1"),
    v0_layer("pool1", "pool", "conv1", rest="pool: AVE kernelsize: 2"),
    v0_layer("pool2", "pool", "pool1", rest="kernelsize: 2"),
    v0_layer("ip1", "innerproduct", "pool2", rest="num_output: 10"),
    v0_layer("loss", "softmax_loss", ("ip1", "label")),
)


def meaning(read: Layer) -> tuple[object, ...]:
    """Return all of a layer but its place."""
    return (read.name, read.type, read.bottoms, read.tops, dict(read.attributes), read.obstacle, read.fusion)


def names(text: str) -> list[str]:
    return [read.name for read in network(text).layers]


@pytest.mark.parametrize("text", [V1_NET, V0_NET], ids=["V1", "V0"])
def test_an_old_network_reads_like_the_same_one_of_today(text: str) -> None:
    assert [meaning(read) for read in network(text).layers] == [
        meaning(read) for read in network(V2_NET).layers
    ]


def test_a_layer_has_its_name_type_blobs_and_attributes_with_defaults() -> None:
    read = network(V2_NET)
    assert names(V2_NET) == ["data", "conv1", "relu1", "pool1", "pool2", "ip1", "loss"]
    first = read.by_name["conv1"]
    assert (first.type, first.bottoms, first.tops) == ("Convolution", ("data",), ("conv1",))
    assert first.attributes == {"group": 2, "dilation": (), "spatial_axes": 2}
    assert read.by_name["pool2"].attributes == {"pool": "MAX", "global_pooling": False}
    assert read.by_name["loss"].bottoms == ("ip1", "label")


@pytest.mark.parametrize(("text", "word"), [(V2_NET, '"conv1"'), (V1_NET, '"conv1"'), (V0_NET, '"conv1"')])
def test_the_span_of_a_layer_is_that_of_its_name(text: str, word: str) -> None:
    span = network(text).by_name["conv1"].span
    assert span
    assert span.text == word
    assert span.start == text.index(word)


def test_the_name_of_the_network_is_kept() -> None:
    assert network('name: "tiny"\n' + V2_NET).name == "tiny"
    assert network(V2_NET).name == ""


# Types


def test_every_value_of_the_v1_enum_has_a_name_of_today_and_nothing_else_has() -> None:
    enum = contracts.message_class("caffe", "caffe.V1LayerParameter").DESCRIPTOR.enum_types_by_name[
        "LayerType"
    ]
    assert set(V1_TYPES) == set(enum.values_by_name)


@pytest.mark.parametrize("old", V1_TYPES)
def test_a_v1_type_is_upgraded(old: str) -> None:
    (read,) = network(v1_layer("x", old)).layers
    assert read.type == V1_TYPES[old]
    # The names differ in case and underscores only, but for these two.
    exceptions = {"NONE": "", "SOFTMAX_LOSS": "SOFTMAXWITHLOSS"}
    assert read.type.upper() == exceptions.get(old, old.replace("_", ""))


@pytest.mark.parametrize("old", V0_TYPES)
def test_a_v0_type_is_upgraded_to_a_type_that_v1_has_too(old: str) -> None:
    (read,) = network(net(v0_layer("x", old))).layers
    assert read.type == V0_TYPES[old]
    assert read.type in V1_TYPES.values()


@pytest.mark.parametrize(
    ("text", "layer_type"),
    [
        (layer("x", "PReLU"), "PReLU"),
        (layer("x", "conv"), "conv"),
        (layer("x", "CONVOLUTION"), "CONVOLUTION"),
        (v1_layer("x", "PRELU"), "PRELU"),
        (v1_layer("x", "99"), "99"),
        (v1_layer("x", "4"), "Convolution"),
        (net(v0_layer("x", "maxout")), "maxout"),
    ],
    ids=["V2", "V2 like V0", "V2 like V1", "V1 word", "V1 number", "V1 number of a known type", "V0"],
)
def test_a_type_that_is_not_known_keeps_its_name(text: str, layer_type: str) -> None:
    (read,) = network(text).layers
    assert read.type == layer_type
    if layer_type != "Convolution":
        assert read.obstacle == f"type {layer_type} is not supported"


@pytest.mark.parametrize(
    "text", ['layer { name: "x" }', 'layers { name: "x" }', 'layers { layer { name: "x" } }']
)
def test_a_layer_without_a_type_is_read_and_not_quantizable(text: str) -> None:
    (read,) = network(text).layers
    assert (read.type, read.obstacle) == ("", "type (none) is not supported")


def test_a_v2_type_is_a_string_and_a_v1_type_is_a_word() -> None:
    assert codes(diagnose("layer { name: 'x' type: CONVOLUTION }")) == [catalogue.WRONG_TYPE.code]
    assert codes(diagnose("layers { name: 'x' type: 'Convolution' }")) == [catalogue.WRONG_TYPE.code]


# Versions beside each other


@pytest.mark.parametrize("first", [True, False], ids=["layer first", "layers first"])
@pytest.mark.parametrize(
    ("old", "rule"),
    [(V1_NET, catalogue.MIXED_V1), (V0_NET, catalogue.MIXED_V0)],
    ids=["V1", "V0"],
)
def test_layer_beside_layers_is_refused_in_v1_and_ignored_in_v0(old: str, rule: Rule, first: bool) -> None:
    text = net(conv("another"), old) if first else net(old, conv("another"))
    (finding,) = diagnose(text)
    assert (finding.code, finding.severity) == (rule.code, rule.severity)
    assert finding.span
    assert finding.span.start == text.index("layer {\n  name")
    assert finding.help == (
        'write it as "layers", like the other layers'
        if rule is catalogue.MIXED_V0
        else 'write it as "layers", with an enum value as type'
    )
    assert [each.span.start for each in finding.related] == [text.index("layers {")]
    if rule is catalogue.MIXED_V0:
        assert "another" not in names(text)


def test_one_old_layer_among_new_ones_is_the_one_that_is_reported() -> None:
    text = net(conv("a"), conv("b", "a"), v1_layer("c", "RELU", "b"))
    (error,) = diagnose(text)
    assert (error.code, error.help) == (catalogue.MIXED_V1.code, 'write it as "layer", with a string as type')
    assert error.span
    assert error.span.start == text.index("layers {")


@pytest.mark.parametrize(
    ("text", "field", "help"),
    [
        (
            net(v1_layer("a", "RELU"), layer("loss", "Softmax", "a"), v1_layer("b", "RELU", "a")),
            "layer",
            'write it as "layers", with an enum value as type',
        ),
        (
            net(v1_layer("a", "BN"), v1_layer("b", "RELU", "a"), layer("data2", "Input", (), "c")),
            "layer",
            'write it as "layers", with an enum value as type',
        ),
        (
            net(layer("a", "ReLU"), v1_layer("b", "RELU", "a")),
            "layers",
            'write it as "layer", with a string as type',
        ),
        (
            net(layer("a", "ReLU", include="phase: TRAIN"), relu("b", "data"), "layers { name: 'c' }"),
            "layers",
            'write it as "layer", with a string as type',
        ),
    ],
)
def test_v1_layers_beside_layer_are_one_error(text: str, field: str, help: str) -> None:
    (error,) = diagnose(text)
    assert (error.code, error.severity) == (catalogue.MIXED_V1.code, Severity.ERROR)
    assert error.help == help
    assert error.span
    assert (error.span.text, error.span.start) == (field, text.index(f"{field} {{"))


def test_an_unknown_word_of_a_layer_that_is_ignored_is_ignored() -> None:
    text = net(pool("ignored", parameters="pool: ROI"), v0_layer("x", "pool", rest="pool: AVE kernelsize: 2"))
    assert codes(diagnose(text)) == [catalogue.MIXED_V0.code]
    assert network(text).by_name["x"].quantizable


@pytest.mark.parametrize(
    ("layer_type", "title"),
    [
        ("CONVOLUTION", "V1 layer in a V0 network"),
        ("INNER_PRODUCT", "V1 layer in a V0 network"),
        ("17", "V1 layer in a V0 network"),
        ("RELU", None),
        ("BN", None),
    ],
)
def test_a_v1_layer_among_v0_layers_loses_its_type_and_is_reported(
    layer_type: str, title: str | None
) -> None:
    text = net(v0_layer("a", "conv", rest="num_output: 8 kernelsize: 3"), v1_layer("b", layer_type, "a"))
    (warning,) = diagnose(text)
    assert (warning.code, warning.severity) == (catalogue.MIXED_V0.code, Severity.WARNING)
    assert warning.message == (
        'name, type and parameters of layer "b" are ignored because the network has V0 "layers"'
    )
    assert warning.help
    assert warning.span
    assert (warning.span.text, warning.span.start) == ('"b"', text.index('"b"'))
    first, second = network(text).layers
    assert (first.name, first.type, first.quantizable) == ("a", "Convolution", True)
    assert (second.name, second.type, second.tops, second.title) == ("b", "", ("b",), title)


def test_layers_of_v0_without_a_layer_inside_have_no_type() -> None:
    text = net(v0_layer("a", "conv", rest="num_output: 8 kernelsize: 3"), "layers { bottom: 'a' top: 'b' }")
    assert codes(diagnose(text)) == [catalogue.CANNOT_SET_UP.code]


def test_v0_rules_are_ignored() -> None:
    text = "layers { layer { name: 'x' type: 'conv' } include { phase: TRAIN } }"
    assert names(text) == ["x"]


# Padding


PADDING = v0_layer("pad", "padding", rest="pad: 2")


def test_padding_is_folded_into_the_layer_behind_it() -> None:
    read = network(net(PADDING, v0_layer("conv", "conv", "pad"), v0_layer("pad2", "padding", "conv")))
    assert [(each.name, each.bottoms) for each in read.layers] == [("conv", ("data",))]


@pytest.mark.parametrize("reader", ["conv", "pool"])
def test_padding_may_lie_before_a_convolution_or_a_pooling_or_several(reader: str) -> None:
    read = network(net(PADDING, v0_layer("a", reader, "pad"), v0_layer("b", reader, "pad")))
    assert [each.bottoms for each in read.layers] == [("data",), ("data",)]


def test_a_blob_that_is_written_again_behind_padding_is_not_padded() -> None:
    text = net(
        v0_layer("pad", "padding", top="x"),
        v0_layer("conv", "conv", "x", top="x"),
        v0_layer("r", "relu", "x"),
    )
    assert [each.bottoms for each in network(text).layers] == [("data",), ("x",)]


@pytest.mark.parametrize(
    "text",
    [
        net(PADDING, v0_layer("x", "relu", "pad")),
        net(PADDING, v0_layer("x", "innerproduct", "pad")),
        net(PADDING, v0_layer("x", "padding", "pad"), v0_layer("y", "conv")),
        net(PADDING, v0_layer("x", "conv", ("pad", "data"))),
        net(v0_layer("pad", "padding", ("data", "data2")), v0_layer("x", "conv", "pad")),
        net(v0_layer("pad", "padding", top=("pad", "pad2")), v0_layer("x", "conv", "pad")),
        net(v0_layer("pad", "padding", ()), v0_layer("x", "conv", "pad")),
    ],
    ids=[
        "before ReLU",
        "before InnerProduct",
        "before padding",
        "a reader of two blobs",
        "of two blobs",
        "with two tops",
        "of nothing",
    ],
)
def test_padding_elsewhere_is_an_error(text: str) -> None:
    (error,) = diagnose(text)
    assert error.code == catalogue.MISPLACED_PADDING.code
    assert error.span
    assert error.span.text == '"pad"'


# Phases


@pytest.mark.parametrize(
    ("rules", "holds"),
    [
        ("", True),
        ("include { }", True),
        ("include { phase: TEST }", True),
        ("include { phase: TRAIN }", False),
        ("include { phase: 1 }", True),
        ("include { phase: 0 }", False),
        ("include { phase: TRAIN } include { phase: TEST }", True),
        ("include: [{ phase: TRAIN }, { phase: TEST }]", True),
        ("include { min_level: 0 }", True),
        ("include { min_level: 1 }", False),
        ("include { min_level: -1 }", True),
        ("include { max_level: 0 }", True),
        ("include { max_level: -1 }", False),
        ("include { max_level: 1 }", True),
        ("include { min_level: -2 max_level: 2 }", True),
        ("include { min_level: 2 max_level: -2 }", False),
        ("include { stage: 'deploy' }", False),
        ("include { stage: ['a', 'b'] }", False),
        ("include { not_stage: 'deploy' }", True),
        ("include { not_stage: 'a' not_stage: 'b' }", True),
        ("include { stage: 'a' not_stage: 'b' }", False),
        ("include { phase: TEST stage: 'deploy' }", False),
        ("include { phase: TEST not_stage: 'deploy' }", True),
        ("include { phase: TRAIN not_stage: 'deploy' }", False),
        ("include { phase: TEST min_level: 1 }", False),
        ("include { phase: TEST min_level: 1 } include { not_stage: 'a' }", True),
        ("exclude { }", False),
        ("exclude { phase: TEST }", False),
        ("exclude { phase: TRAIN }", True),
        ("exclude { phase: TRAIN } exclude { phase: TEST }", False),
        ("exclude { phase: TRAIN } exclude { min_level: 1 }", True),
        ("exclude { min_level: 0 }", False),
        ("exclude { max_level: -1 }", True),
        ("exclude { stage: 'deploy' }", True),
        ("exclude { not_stage: 'deploy' }", False),
        ("exclude { phase: TEST stage: 'deploy' }", True),
        ("exclude { phase: TEST not_stage: 'deploy' }", False),
    ],
)
@pytest.mark.parametrize(
    "form",
    ["layer {{ name: 'x' type: 'ReLU' {} }}", "layers {{ name: 'x' type: RELU {} }}"],
    ids=["V2", "V1"],
)
def test_a_layer_holds_at_phase_test_level_0_and_no_stage(form: str, rules: str, holds: bool) -> None:
    text = net(
        conv("always") if form.startswith("layer ") else v1_layer("always", "RELU"), form.format(rules)
    )
    assert ("x" in names(text)) == holds


@pytest.mark.parametrize("phase", ["TEST", "TRAIN"])
def test_rules_of_both_kinds_are_an_error(phase: str) -> None:
    text = conv("conv1", include=f"phase: {phase}", exclude="phase: TRAIN")
    (error,) = diagnose(text)
    assert error.code == catalogue.INCLUDE_AND_EXCLUDE.code
    assert error.span
    assert error.span.text == '"conv1"'


@pytest.mark.parametrize("word", ["DEPLOY", "test", "2"])
@pytest.mark.parametrize("kind", ["include", "exclude"])
def test_an_unknown_phase_is_an_error_because_it_decides(kind: str, word: str) -> None:
    (error,) = diagnose(conv("conv1", **{kind: f"phase: {word}"}))
    assert error.code == catalogue.UNKNOWN_PHASE.code
    assert error.message == f'phase of layer "conv1" must be TRAIN or TEST, not {word}'


@pytest.mark.parametrize(
    ("state", "held"),
    [
        ("", ["not_a", "excluding_a"]),
        ("state { stage: 'a' }", ["a", "not_b"]),
        ("state { stage: ['a', 'b'] }", ["a", "a_and_b"]),
        ("state { phase: TRAIN level: 3 stage: 'a' }", ["a", "not_b"]),
    ],
)
def test_the_stages_of_the_net_count_and_its_phase_and_level_do_not(state: str, held: list[str]) -> None:
    rules = {
        "a": {"include": "phase: TEST stage: 'a'"},
        "a_and_b": {"include": "stage: ['a', 'b']"},
        "not_a": {"include": "not_stage: 'a'"},
        "not_b": {"include": "stage: 'a' not_stage: 'b'"},
        "excluding_a": {"exclude": "stage: 'a'"},
        "level": {"include": "min_level: 1"},
    }
    text = net(state, *(conv(name, **rule) for name, rule in rules.items()))
    assert names(text) == held


def test_the_upgrade_of_a_v0_net_drops_its_state() -> None:
    text = "state { stage: 'a' } layers { layer { name: 'x' type: 'data' } top: 'x' }"
    assert names(text) == ["x"]


def test_an_unknown_phase_of_the_state_is_an_error() -> None:
    (error,) = diagnose(net("state { phase: TESTT }", conv("x")))
    assert error.code == catalogue.UNKNOWN_PHASE.code
    assert error.message == "phase of the network state must be TRAIN or TEST, not TESTT"


# What a fork has more


@pytest.mark.parametrize(
    "unknown",
    [
        "engine: CUDNN",
        "roi: 1.5f",
        "mode: \"a\" 'b'",
        "sizes: [1, 2, 3]",
        "nothing: []",
        "inner { deeper { deepest: -inf } }",
        "inner < name: 'x' >;",
        "inner: [{ a: 1 }, { b: 2 }],",
        "[fork.extension]: 3",
        "Bunch { a: 1 }",
    ],
)
def test_an_unknown_field_is_ignored_at_any_level(unknown: str) -> None:
    text = net(
        unknown,
        f"layer {{ name: 'conv1' type: 'Convolution' {unknown} bottom: 'data' top: 'conv1'",
        f"convolution_param {{ {unknown} num_output: 8 kernel_size: 3 }} {unknown} }}",
        INPUT,
    )
    assert not diagnose(text)
    assert [meaning(read) for read in network(text).layers] == [
        meaning(read) for read in network(conv("conv1")).layers
    ]


def test_an_enum_may_be_a_number() -> None:
    (read,) = network(pool("x", parameters="pool: 1")).layers
    assert read.attributes["pool"] == "AVE"
    assert read.quantizable


def test_an_unknown_word_of_a_message_that_the_type_does_not_use_decides_nothing() -> None:
    (read,) = network(conv("x", pooling_param="pool: MIN")).layers
    assert read.quantizable
    assert "pool" not in read.attributes


def test_a_wrong_value_of_a_field_that_is_needed_is_an_error() -> None:
    assert codes(diagnose(conv("x", parameters="kernel_size: 'three'"))) == [catalogue.WRONG_TYPE.code]
    assert codes(diagnose(pool("x", parameters="global_pooling: maybe"))) == [catalogue.WRONG_TYPE.code]


# Names


@pytest.mark.parametrize(
    "text",
    [
        net(conv("x"), conv("x", "x", top="y")),
        net(conv("x"), relu("x", "x")),
        net(relu("x", "data"), conv("x", "x")),
    ],
    ids=["both quantizable", "the first one", "the second one"],
)
def test_two_layers_of_one_name_are_an_error_if_either_is_quantizable(text: str) -> None:
    (error,) = diagnose(text)
    assert error.code == catalogue.SAME_NAME.code
    assert error.span
    assert error.span.start == text.rindex('name: "x"') + len("name: ")
    assert [related.span.start for related in error.related] == [text.index('name: "x"') + len("name: ")]


def test_two_layers_of_one_name_do_no_harm_if_neither_is_quantizable() -> None:
    assert names(net(conv("a"), relu("x", "a"), relu("x", "x"))) == ["a", "x", "x"]


def test_two_layers_of_one_name_do_no_harm_in_different_phases() -> None:
    text = net(conv("x", include="phase: TRAIN"), conv("x", include="phase: TEST"))
    assert names(text) == ["x"]


@pytest.mark.parametrize("name", ["", "name: ''"], ids=["no name", "an empty name"])
def test_a_quantizable_layer_without_a_name_is_an_error(name: str) -> None:
    text = f"layer {{ {name} type: 'InnerProduct' bottom: 'x' top: 'y' {OUTPUTS} }} {X}"
    (error,) = diagnose(text)
    assert error.code == catalogue.NAMELESS_LAYER.code
    assert error.span
    assert error.span.text == ("''" if name else "layer")


OUTPUTS = "inner_product_param { num_output: 8 }"
X = "input: 'x' input_shape { dim: [1, 3] }"


def test_each_nameless_layer_is_reported_once() -> None:
    nameless = f"layer {{ type: 'InnerProduct' bottom: 'x' top: 'x' {OUTPUTS} }}"
    harmless = "layer { type: 'ReLU' bottom: 'x' top: 'x' }"
    for text in (net(harmless, nameless, harmless, nameless, X), net(nameless, harmless, nameless, X)):
        assert codes(diagnose(text)) == [catalogue.NAMELESS_LAYER.code] * 2
    assert names(net(harmless, harmless)) == ["", ""]


# What cannot be read


@pytest.mark.parametrize("layer_type", contracts.schema("caffe_layers.json")["amct_types"])
def test_a_network_that_amct_has_worked_on_is_an_error(layer_type: str) -> None:
    (error,) = diagnose(net(conv("a"), layer("q", layer_type, "a")))
    assert error.code == catalogue.ALREADY_QUANTIZED.code
    assert error.span
    assert error.span.text == '"q"'


def test_a_layer_of_amct_in_phase_train_does_no_harm() -> None:
    assert names(net(conv("a"), layer("q", "Quant", "a", include="phase: TRAIN"))) == ["a"]


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", 'name: "empty"', "unknown: 1", conv("x", include="phase: TRAIN")],
    ids=["empty", "a comment", "a name", "an unknown field", "a layer of phase TRAIN"],
)
def test_a_network_without_a_layer_is_an_error(text: str) -> None:
    (error,) = diagnose(text)
    assert error.code == catalogue.NO_LAYERS.code
    assert error.message == '"net.prototxt" has no layers in phase TEST'


@pytest.mark.parametrize(
    "text",
    [
        "layer {",
        "layer { name: 'x }",
        "layer }",
        "layer { name 'x' }",
        "\ufefflayer {}",
        "layer { name: }",
        "\0",
    ],
)
def test_a_syntax_error_has_a_place(text: str) -> None:
    found = diagnose(text)
    assert len(found) == 1
    assert found[0].severity is Severity.ERROR
    assert found[0].code.startswith("QC1")
    assert found[0].span is not None


def test_all_errors_are_reported_in_one_run() -> None:
    text = net(
        conv("a", parameters="kernel_size: 'three'"),
        conv("b", include="phase: TEST", exclude="phase: TRAIN"),
        conv("c", include="phase: NEVER"),
        layer("d", "Quant"),
        conv("e"),
        conv("e"),
    )
    assert set(codes(diagnose(text))) == {
        rule.code
        for rule in (
            catalogue.WRONG_TYPE,
            catalogue.INCLUDE_AND_EXCLUDE,
            catalogue.UNKNOWN_PHASE,
            catalogue.ALREADY_QUANTIZED,
            catalogue.SAME_NAME,
        )
    }


# The text


@pytest.mark.parametrize("line_end", ["\r\n", "\n\n", " # a comment\n", "\t\n"])
@pytest.mark.parametrize("text", [V2_NET, V1_NET, V0_NET], ids=["V2", "V1", "V0"])
def test_line_ends_and_comments_do_not_matter(text: str, line_end: str) -> None:
    changed = text.replace("\n", line_end)
    assert [meaning(read) for read in network(changed).layers] == [
        meaning(read) for read in network(text).layers
    ]


@pytest.mark.parametrize("text", [V2_NET, V1_NET, V0_NET], ids=["V2", "V1", "V0"])
def test_a_colon_before_a_message_and_angle_brackets_do_not_matter(text: str) -> None:
    changed = text.replace(" {", ": <").replace("}", ">")
    assert [meaning(read) for read in network(changed).layers] == [
        meaning(read) for read in network(text).layers
    ]


# Laws


@law(messages(Net))
def test_any_network_is_read_or_refused_with_a_reason(message: Message) -> None:
    diagnose(text_format.MessageToString(message))


@law(nearly_valid_texts(Net))
def test_no_text_whatever_raises(text: str) -> None:
    diagnose(text)


def test_a_padding_layer_that_is_read_in_several_wrong_places_is_one_error() -> None:
    text = net(
        'input: "data" input_dim: [1, 3, 8, 8]',
        v0_layer("pad", "padding", "data"),
        *(v0_layer(f"relu{index}", "relu", "pad") for index in range(3)),
    )
    assert codes(diagnose(text)) == ["QC304"]


def test_an_unknown_phase_is_reported_at_its_span() -> None:
    (finding,) = diagnose(conv("conv1", include="phase: TESTT"))
    assert finding.span is not None
    assert (finding.code, finding.span.text) == ("QC302", "TESTT")
