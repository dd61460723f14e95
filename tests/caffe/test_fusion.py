"""Which layers are fused: the four patterns of reference 5.3 along the data flow."""

from __future__ import annotations

import pytest

from tests.networks import (
    batch_norm,
    conv,
    deconv,
    inner_product,
    layer,
    net,
    network,
    pool,
    relu,
    scale,
    weights,
)

ANCHORS = {"Convolution": conv, "Deconvolution": deconv, "InnerProduct": inner_product}


def groups(text: str) -> list[str]:
    """Return the groups of a network, each once, its names joined by spaces."""
    return list(dict.fromkeys(" ".join(each.fusion) for each in network(text).layers if each.fusion))


def behind(anchor: str, **parameters: str) -> str:
    """Return a BatchNorm and a Scale behind an anchor, each with its own blob."""
    return net(
        batch_norm("bn", anchor, parameters=parameters.get("bn", "")),
        scale("sc", "bn", parameters=parameters.get("sc", "")),
    )


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("in_place", [True, False], ids=["in place", "not in place"])
def test_batch_norm_and_scale_are_folded_into_the_layer_before_them(anchor: str, in_place: bool) -> None:
    text = net(
        ANCHORS[anchor]("x"),
        batch_norm("bn", "x", top="x" if in_place else "bn"),
        scale("sc", "x" if in_place else "bn", top="x" if in_place else "sc"),
        relu("r", "x" if in_place else "sc"),
    )
    assert groups(text) == ["x bn sc"]
    fusions = {each.name: each.fusion for each in network(text).layers}
    assert fusions == {**dict.fromkeys(("x", "bn", "sc"), ("x", "bn", "sc")), "r": ()}


@pytest.mark.parametrize("in_place", [True, False], ids=["in place", "not in place"])
def test_batch_norm_and_scale_are_folded_into_the_convolution_behind_them(in_place: bool) -> None:
    text = net(
        batch_norm("bn", "data", top="data" if in_place else "bn"),
        scale("sc", "data" if in_place else "bn", top="data" if in_place else "sc"),
        conv("x", "data" if in_place else "sc"),
    )
    assert groups(text) == ["bn sc x"]


@pytest.mark.parametrize("anchor", ["Deconvolution", "InnerProduct"])
def test_batch_norm_and_scale_are_folded_into_no_other_layer_behind_them(anchor: str) -> None:
    text = net(batch_norm("bn", "data"), scale("sc", "bn"), ANCHORS[anchor]("x", "sc"))
    assert groups(text) == []


# Chains


def test_between_two_convolutions_they_belong_to_the_first() -> None:
    assert groups(net(conv("x"), behind("x"), conv("y", "sc"))) == ["x bn sc"]


def test_a_convolution_takes_in_both_sides() -> None:
    text = net(batch_norm("bn0", "data"), scale("sc0", "bn0"), conv("x", "sc0"), behind("x"))
    assert groups(text) == ["bn0 sc0 x bn sc"]


def test_what_belongs_to_a_layer_before_it_is_not_in_the_group_of_the_next() -> None:
    text = net(
        conv("x"),
        behind("x"),
        conv("y", "sc"),
        batch_norm("bn2", "y"),
        scale("sc2", "bn2"),
        inner_product("z", "sc2"),
    )
    assert groups(text) == ["x bn sc", "y bn2 sc2"]


def test_a_second_pair_behind_the_first_is_not_folded() -> None:
    text = net(conv("x"), behind("x"), batch_norm("bn2", "sc"), scale("sc2", "bn2"))
    assert groups(text) == ["x bn sc"]


def test_a_second_pair_behind_the_first_goes_to_the_convolution_behind_it() -> None:
    text = net(conv("x"), behind("x"), batch_norm("bn2", "sc"), scale("sc2", "bn2"), conv("y", "sc2"))
    assert groups(text) == ["x bn sc", "bn2 sc2 y"]


def test_a_residual_block_has_a_group_for_each_branch() -> None:
    text = net(
        conv("a"),
        batch_norm("bn_a", "a", top="a"),
        scale("sc_a", "a", top="a"),
        conv("b"),
        batch_norm("bn_b", "b", top="b"),
        scale("sc_b", "b", top="b"),
        layer("sum", "Eltwise", ("a", "b")),
    )
    assert groups(text) == ["a bn_a sc_a", "b bn_b sc_b"]


def test_members_are_named_in_network_order_even_if_other_layers_lie_between() -> None:
    text = net(conv("x"), conv("y"), batch_norm("bn_y", "y"), behind("x"), scale("sc_y", "bn_y"))
    assert groups(text) == ["x bn sc", "y bn_y sc_y"]


# Layers that are not a group


@pytest.mark.parametrize(
    "text",
    [
        net(conv("x"), batch_norm("bn", "x")),
        net(conv("x"), scale("sc", "x")),
        net(conv("x"), scale("sc", "x"), batch_norm("bn", "sc")),
        net(conv("x"), batch_norm("bn", "x"), relu("r", "bn")),
        net(batch_norm("bn", "data"), conv("x", "bn")),
        net(scale("sc", "data"), conv("x", "sc")),
        net(pool("x"), behind("x")),
        net(batch_norm("bn", "data"), scale("sc", "bn")),
        net(conv("x"), relu("r", "x"), behind("r")),
        net(conv("x"), relu("r", "x", top="x"), behind("x")),
        net(conv("x"), batch_norm("bn", "x"), relu("r", "bn"), scale("sc", "r")),
        net(conv("x"), batch_norm("bn", "x", top="x"), relu("r", "x", top="x"), scale("sc", "x", top="x")),
        net(batch_norm("bn", "data"), scale("sc", "bn"), relu("r", "sc"), conv("x", "r")),
    ],
    ids=[
        "BatchNorm alone",
        "Scale alone",
        "the other way round",
        "BatchNorm and something else",
        "BatchNorm before",
        "Scale before",
        "behind a Pooling",
        "around nothing",
        "ReLU behind the convolution",
        "ReLU in place behind the convolution",
        "ReLU between",
        "ReLU in place between",
        "ReLU before the convolution",
    ],
)
def test_a_chain_must_be_whole(text: str) -> None:
    assert groups(text) == []


@pytest.mark.parametrize("reader", [relu("r", "x"), layer("l", "Silence", "x", ()), conv("y", "x")])
@pytest.mark.parametrize("early", [True, False], ids=["read before", "read behind"])
def test_a_convolution_that_others_read_too_takes_in_nothing(reader: str, early: bool) -> None:
    text = net(conv("x"), reader, behind("x")) if early else net(conv("x"), behind("x"), reader)
    assert groups(text) == []


def test_a_batch_norm_that_others_read_too_is_not_folded() -> None:
    assert groups(net(conv("x"), behind("x"), relu("r", "bn"))) == []
    assert groups(net(conv("x"), batch_norm("bn", "x"), relu("r", "bn"), scale("sc", "bn"))) == []


def test_who_reads_the_end_of_a_chain_does_not_matter() -> None:
    assert groups(net(conv("x"), behind("x"), relu("r", "sc"), pool("p", "sc"))) == ["x bn sc"]
    assert groups(net(conv("y"), behind("data"), conv("x", "sc"), relu("r", "x"), pool("p", "x"))) == [
        "bn sc x"
    ]


def test_a_scale_that_others_read_too_is_not_folded_into_the_convolution_behind_it() -> None:
    assert groups(net(behind("data"), conv("x", "sc"), relu("r", "sc"))) == []
    assert groups(net(behind("data"), conv("x", "sc"), conv("y", "sc"))) == []


def test_a_reader_of_a_blob_that_was_changed_in_place_since_reads_another_blob() -> None:
    text = net(
        conv("x"),
        batch_norm("bn", "x", top="x"),
        scale("sc", "x", top="x"),
        relu("r", "x", top="x"),
        layer("sum", "Eltwise", ("x", "x")),
    )
    assert groups(text) == ["x bn sc"]


def test_a_reader_between_changes_in_place_counts() -> None:
    text = net(conv("x"), batch_norm("bn", "x", top="x"), relu("r", "x"), scale("sc", "x", top="x"))
    assert groups(text) == []


def test_a_reader_of_phase_train_does_not_count() -> None:
    text = net(conv("x"), relu("r", "x", include="phase: TRAIN"), behind("x"))
    assert groups(text) == ["x bn sc"]


def test_the_order_of_the_text_is_the_order_of_the_data() -> None:
    # What is read before it is written is the blob of another layer, or an input.
    assert groups(net(behind("x"), conv("x"))) == []
    assert groups(net(conv("x"), scale("sc", "bn"), batch_norm("bn", "x"))) == []
    assert groups(net(conv("x", "sc"), behind("data"))) == []


def test_a_layer_reads_the_last_writer_of_a_blob() -> None:
    text = net(conv("a", top="x"), conv("b", top="x"), batch_norm("bn", "x"), scale("sc", "bn"))
    assert groups(text) == ["b bn sc"]


# Layers that cannot be in a group


@pytest.mark.parametrize(
    "text",
    [
        net(conv("x"), batch_norm("bn", "x"), scale("sc", ("bn", "factors"))),
        net(conv("x"), batch_norm("bn", ("x", "other")), scale("sc", "bn")),
        net(conv("x", ("data", "data2"), ("x", "x2")), behind("x")),
        net(conv("x"), batch_norm("bn", "x", ("bn", "copy")), scale("sc", "bn")),
        net(conv("x"), batch_norm("bn", "x"), scale("sc", "bn", ("sc", "copy"))),
        net(behind("data"), conv("x", ("sc", "data"), ("x", "y"))),
    ],
    ids=[
        "Scale by another blob",
        "BatchNorm of two",
        "a convolution of two",
        "BatchNorm with two tops",
        "Scale with two tops",
        "a convolution of two behind",
    ],
)
def test_a_layer_of_a_group_has_one_bottom_and_one_top(text: str) -> None:
    assert groups(text) == []


@pytest.mark.parametrize(
    ("parameters", "folded"),
    [
        ("", True),
        ("axis: 1", True),
        ("axis: -3", True),
        ("axis: 0", False),
        ("axis: 2", False),
        ("axis: -1", False),
        ("num_axes: 1", True),
        ("num_axes: 0", False),
        ("num_axes: 2", False),
        ("num_axes: -1", False),
        ("axis: 1 num_axes: 1 bias_term: true", True),
    ],
)
def test_a_scale_is_folded_if_it_is_along_the_channels(parameters: str, folded: bool) -> None:
    assert groups(net(conv("x"), behind("x", sc=parameters))) == (["x bn sc"] if folded else [])


@pytest.mark.parametrize(
    ("parameters", "folded"),
    [("", True), ("use_global_stats: true", True), ("use_global_stats: false", False), ("eps: 1e-5", True)],
)
def test_a_batch_norm_is_folded_unless_it_takes_the_statistics_of_the_batch(
    parameters: str, folded: bool
) -> None:
    assert groups(net(conv("x"), behind("x", bn=parameters))) == (["x bn sc"] if folded else [])


@pytest.mark.parametrize(
    "anchor",
    [
        conv("x", parameters="kernel_size: [3, 3, 3]"),
        deconv("x", parameters="kernel_size: 3 dilation: 2"),
        inner_product("x", parameters="transpose: true"),
        inner_product("x", parameters="axis: 2"),
    ],
    ids=["3D", "dilation", "transpose", "axis"],
)
def test_a_layer_that_cannot_be_quantized_takes_in_nothing(anchor: str) -> None:
    assert groups(net(anchor, behind("x"))) == []


def test_a_convolution_that_cannot_be_quantized_leaves_the_pair_to_the_one_behind() -> None:
    assert groups(net(conv("x", parameters="kernel_size: [3, 3, 3]"), behind("x"), conv("y", "sc"))) == [
        "bn sc y"
    ]


def test_a_layer_that_shares_its_parameters_takes_in_nothing() -> None:
    text = net(conv("x", param="name: 'w'"), behind("x"), conv("y", param="name: 'w'"))
    assert groups(text) == []


def test_the_weights_decide_whether_a_convolution_takes_in_others() -> None:
    text = net(layer("open", "HDF5Data", (), "open"), conv("x", "open"), behind("x"))
    fusions = {each.fusion for each in network(text, weights({"x": (8, 3, 3, 3, 3)})).layers}
    assert fusions == {()}
