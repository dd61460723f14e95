"""The command advise on networks and weights that are valid, but unusual."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantcfg import contracts
from quantcfg.weights.arrays import Array
from tests.advice.nets import caffemodel
from tests.cli import test_advise
from tests.cli.test_advise import CONV, ONE_FACTOR, configured, content, items, printed, weights, write
from tests.networks import batch_norm, conv, deconv, inner_product, layer, scale

Captured = pytest.CaptureFixture[str]

_in_folder = test_advise._in_folder


def normal(*shape: int) -> Array:
    return np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)


def reasons(found: dict[str, Any], name: str) -> list[str]:
    exact = [each for each in found["advice"] if each["kind"] == "exact"]
    return [each["reason"] for each in exact if each["layers"] == [name]]


# --- weights that are not finite


def test_a_layer_that_is_never_quantized_is_not_skipped(capsys: Captured) -> None:
    layers = (conv("a", parameters=CONV), layer("p", "PReLU", "a"))
    write({"a": weights()["conv1"], "p": [np.full(8, np.nan, np.float32)]}, layers=layers)
    found = content(capsys, "--simulate")
    assert items(found, "quant_enable") == []
    assert reasons(found, "p") == ["its weights are not finite"]
    assert found["notes"][0] == 'no simulation: "p": its weights are not finite'
    assert printed(capsys, "--format", "cfg")[0] == [
        "# Nothing is advised from the weights. No layer was simulated."
    ]


def test_a_layer_that_the_request_skips_is_not_advised_again(capsys: Captured) -> None:
    blobs = weights()
    blobs["conv2"][0][0] = np.inf
    write(blobs)
    request = configured('skip_layers: "conv2"\n')
    assert reasons(content(capsys, *request), "conv2") == ["its weights are not finite"]
    assert printed(capsys, "--format", "cfg", *request)[0] == ['skip_layers: "conv2"']


def test_the_only_layer_that_is_quantized_is_named_if_its_weights_are_not_finite(capsys: Captured) -> None:
    write({"a": [np.full((8, 3, 3, 3), np.inf, np.float32), normal(8)]}, layers=[conv("a", parameters=CONV)])
    found = content(capsys)
    assert items(found, "quant_enable") == []
    refused = "AMCT refuses to quantize it, and no other layer is left to quantize"
    assert reasons(found, "a") == [f"its weights are not finite: {refused}"]
    assert found["notes"] == ['the weights of "a" are not finite, and no other layer is quantized']
    _, err = printed(capsys, "--format", "cfg")
    assert any('"a"' in line for line in err)


# --- channels that become 0, and small gains


def test_channels_become_zero_only_with_a_factor_for_each(capsys: Captured) -> None:
    blobs = weights()
    blobs["conv2"][0][3:5] = 1e-6
    blobs["fc"][0][3] = 1e-6
    write(blobs)
    assert reasons(content(capsys), "conv2") == ["2 channels are almost 0, and quantized to 0"]
    assert reasons(content(capsys), "fc") == []
    assert reasons(content(capsys, *configured(ONE_FACTOR)), "conv2") == []
    assert reasons(content(capsys, *configured('skip_layers: "conv2"')), "conv2") == []


@pytest.mark.parametrize("request_text", ["", ONE_FACTOR])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (1e-6, "all its weights are so small that they are quantized to 0, which leaves only the bias"),
        (0, "all its weights are 0"),
    ],
)
def test_a_layer_that_becomes_zero_is_reported(
    value: float, reason: str, request_text: str, capsys: Captured
) -> None:
    blobs = weights()
    blobs["conv2"][0][:] = value
    blobs["fc"][0][:] = value
    write(blobs)
    found = content(capsys, *configured(request_text))
    assert reasons(found, "conv2") == reasons(found, "fc") == [reason]


def test_a_gain_below_two_decibels_is_not_advised(capsys: Captured) -> None:
    """A low ratio alone is no reason: channel_wise cannot help, as all channels have the same range."""
    weight = np.full((8, 3, 3, 3), 0.4, np.float32)
    weight[:, 0, 0, 0] = 127
    write({"a": [weight, normal(8)]}, layers=[conv("a", parameters=CONV)])
    found = content(capsys, *configured(ONE_FACTOR))
    assert found["layers"][0]["weights"]["gain_db"] == pytest.approx(0, abs=1e-6)
    assert items(found, "channel_wise") == []
    weight[:, 0, 0, 0] = np.linspace(126.9, 127, 8)
    write({"a": [weight, normal(8)]}, layers=[conv("a", parameters=CONV)])
    assert not any("-0.0" in line for line in printed(capsys, *configured(ONE_FACTOR))[0])


# --- weights that do not fit, although the shapes of the inputs are unknown

FOLDED = [conv("c"), batch_norm("bn", "c"), scale("sc", "bn", parameters="bias_term: true")]
ONES = np.ones(8, np.float32)
FITTING: dict[str, list[Array]] = {
    "c": [normal(8, 3, 3, 3), normal(8)],
    "bn": [ONES, ONES, ONES[:1]],
    "sc": [ONES, ONES],
}


@pytest.mark.parametrize(
    ("name", "arrays", "reason"),
    [
        ("bn", [ONES, ONES], "it has 2 blobs, but needs 3"),
        ("bn", [ONES] * 4, "it has 4 blobs, but needs 3"),
        ("bn", [ONES, ONES[:3], ONES[:1]], "it has a blob of 3 values, but needs 8"),
        ("bn", [ONES, ONES, ONES], "it has a blob of 8 values, but needs 1"),
        ("bn", [ONES[:4], ONES[:4], ONES[:1]], '"bn" has a blob of 4 values, but it has 8 channels'),
        ("sc", [ONES, ONES[:3]], "it has a blob of 3 values, but needs 8"),
        ("sc", [ONES], "it has 1 blob, but needs 2"),
        ("c", [normal(8, 3, 3, 3), normal(5)], "it has a blob of 5 values, but needs 8"),
        ("c", [normal(6, 3, 3, 3), normal(8)], "it has a weight of 6x3x3x3, but 8 outputs"),
        ("c", [normal(8), normal(8)], "it has a weight of 8"),
    ],
)
def test_folded_weights_that_do_not_fit_are_reported(
    name: str, arrays: list[Array], reason: str, capsys: Captured
) -> None:
    write(FITTING | {name: arrays}, layers=FOLDED, inputs='input: "data"')
    found = [reasons(content(capsys), each) for each in (name, "c")]
    assert [f"its weights do not fit: {reason}"] in found


UNFIT = {
    "an inner product": (inner_product("a"), [normal(3, 5, 7), normal(8)], "it has a weight of 3x5x7"),
    "an inner product of many axes": (
        inner_product("a", parameters="num_output: 7"),
        [normal(1, 1, 5, 8), normal(7)],
        "it has a weight of 1x1x5x8, but 7 outputs",
    ),
    "no groups": (
        conv("a", parameters="num_output: 8 kernel_size: 3 group: 0"),
        [normal(8, 3, 3, 3), normal(8)],
        "its group is 0",
    ),
    "groups": (
        deconv("a", parameters="num_output: 6 kernel_size: 3 group: 3"),
        [normal(8, 2, 3, 3), normal(6)],
        "it has a weight of 8x2x3x3",
    ),
    "a deconvolution": (
        deconv("a", parameters="num_output: 8 kernel_size: 3 group: 3"),
        [normal(9, 2, 3, 3), normal(8)],
        "it has a weight of 9x2x3x3, but 8 outputs",
    ),
}


@pytest.mark.parametrize(("text", "arrays", "reason"), UNFIT.values(), ids=UNFIT)
def test_weights_that_do_not_fit_are_reported(
    text: str, arrays: list[Array], reason: str, capsys: Captured
) -> None:
    write({"a": arrays}, layers=[text], inputs='input: "data"')
    assert reasons(content(capsys, "--simulate"), "a") == [f"its weights do not fit: {reason}"]


@pytest.mark.parametrize("shape", [(-2, -3), (1,) * 100])
@pytest.mark.parametrize("inputs", ['input: "data"', 'input: "data" input_shape { dim: [1, 3, 8, 8] }'])
def test_a_blob_that_is_not_an_array_is_reported(
    shape: tuple[int, ...], inputs: str, capsys: Captured
) -> None:
    values = normal(6 if len(shape) == 2 else 1)
    model: Any = contracts.message_class("caffe", "caffe.StoredNet").FromString(
        caffemodel({"fc": [normal(8, 4), normal(8)]}, {"fc": ""})
    )
    for name in ("a", "p"):
        blob = model.layer.add(name=name.encode()).blobs.add(data=values.tolist())
        blob.shape.dim.extend(shape)
    write({}, layers=[conv("a"), layer("p", "PReLU", "a"), inner_product("fc", "p")], inputs=inputs)
    Path("net.caffemodel").write_bytes(model.SerializeToString())
    for name in ("a", "p"):
        found = content(capsys, "--simulate")
        assert all((each["parameters"] or 0) >= 0 for each in found["layers"])
        (reason,) = reasons(found, name)
        assert reason.startswith("its weights do not fit: it has a blob ")


# --- networks that are simulated with their own batch, or not at all

BATCH = 'input: "data" input_shape { dim: [2, 3, 8, 8] }'
FOUR = "num_output: 4 kernel_size: 3"
BATCHES = {
    "a size for the whole batch": (
        [
            conv("c", parameters=FOUR),
            layer("r", "Reshape", "c", reshape_param="shape { dim: 2 dim: -1 }"),
            inner_product("fc", "r", parameters="num_output: 5"),
        ],
        {"c": [normal(4, 3, 3, 3), normal(4)], "fc": [normal(5, 144), normal(5)]},
    ),
    "a factor for each image": (
        [conv("c", parameters=FOUR), layer("s", "Scale", "c", scale_param="axis: 0 num_axes: 1")],
        {"c": [normal(4, 3, 3, 3), normal(4)], "s": [normal(2)]},
    ),
    "a slice of the batch": (
        [layer("s", "Slice", "data", ("x", "y"), slice_param="axis: 0"), conv("c", "y", parameters=FOUR)],
        {"c": [normal(4, 3, 3, 3), normal(4)]},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("layers", "blobs"), BATCHES.values(), ids=BATCHES)
def test_a_network_that_needs_its_batch_is_simulated_with_it(
    layers: list[str], blobs: dict[str, list[Array]], capsys: Captured
) -> None:
    write(blobs, layers=layers, inputs=BATCH)
    found = content(capsys, "--simulate")
    assert all(each["simulated"] for each in found["layers"] if each["quantized"])
    assert "simulated with 2 generated images" in found["notes"][-1]
    assert "simulated with 4 generated images" in content(capsys, "--simulate", "--count", "3")["notes"][-1]
    np.save("images.npy", normal(5, 3, 8, 8))
    given = content(capsys, "--simulate", "--images", "images.npy")
    assert "simulated with 4 images" in given["notes"][-1]
    too_few = content(capsys, "--simulate", "--images", "images.npy", "--count", "1")
    assert too_few["notes"] == [
        "no simulation: it runs with 2 images: give as many, or change the batch of the model"
    ]


def test_inputs_with_other_batches_are_named(capsys: Captured) -> None:
    layers, blobs = BATCHES["a factor for each image"]
    fc = inner_product("fc", "other", parameters="num_output: 5")
    inputs = f'{BATCH} input: "other" input_shape {{ dim: [7, 3, 1, 1] }}'
    write({**blobs, "fc": [normal(5, 3), normal(5)]}, layers=[*layers, fc], inputs=inputs)
    (note,) = content(capsys, "--simulate")["notes"]
    assert note.endswith('one image, and its inputs have other batches: "data" 2, "other" 7')


def test_an_input_that_no_layer_writes_is_named(capsys: Captured) -> None:
    layers = [conv("c"), layer("e", "Eltwise", ("c", "zzz")), conv("d", "e")]
    write({"c": [normal(8, 3, 3, 3), normal(8)], "d": [normal(8, 8, 3, 3), normal(8)]}, layers=layers)
    help = 'correct the name "zzz", or add an input "zzz"'
    assert content(capsys, "--simulate")["notes"] == [
        f'the output shape of "e" is unknown: no layer writes its input "zzz"; {help}',
        "no simulation: shapes are unknown",
    ]
    given = content(capsys, "--simulate", "--input", "e=1,8,6,6")
    assert given["notes"] == ['no simulation: "e": no layer writes its input "zzz"']


def test_a_given_shape_does_not_make_a_layer_run(capsys: Captured) -> None:
    layers = [conv("c", parameters="num_output: 8"), conv("d", "c")]
    write({"c": [normal(8, 3, 3, 3), normal(8)], "d": [normal(8, 8, 3, 3), normal(8)]}, layers=layers)
    notes = content(capsys, "--simulate", "--input", "c=1,8,6,6")["notes"]
    assert notes == ['no simulation: "c": it has no kernel_size']


# --- layers without inputs

SUM = layer("e", "Eltwise", ("c", "p"), eltwise_param="operation: PROD")
PARAMETER = layer("p", "Parameter", (), parameter_param="shape { dim: [1, 8, 6, 6] }")


def dummy(parameters: str = "", top: str | tuple[str, ...] = "p") -> str:
    sizes = "shape { dim: [1, 8, 6, 6] }"
    return layer("d", "DummyData", (), top, dummy_data_param=f"{sizes} {parameters}")


def output_of_c(capsys: Captured) -> float:
    found = content(capsys, "--simulate")
    (simulated,) = (each["simulated"] for each in found["layers"] if each["name"] == "c")
    assert simulated, found["notes"]
    output: float = simulated["output_db"]
    return output


def test_a_parameter_has_its_stored_values(capsys: Captured) -> None:
    blobs = {"c": [normal(8, 3, 3, 3), normal(8)]}
    write(blobs, layers=[conv("c")])
    alone = output_of_c(capsys)
    write({**blobs, "p": [np.full((1, 8, 6, 6), 7, np.float32)]}, layers=[conv("c"), PARAMETER, SUM])
    assert output_of_c(capsys) == pytest.approx(alone, abs=0.01)
    write({**blobs, "p": [np.eye(1, 288, 5, dtype=np.float32)]}, layers=[conv("c"), PARAMETER, SUM])
    assert abs(output_of_c(capsys) - alone) > 0.5
    write(blobs, layers=[conv("c"), PARAMETER, SUM])
    found = content(capsys, "--simulate")
    assert found["notes"] == [
        'no simulation: "p": its weights do not fit: the file has none for this layer',
    ]


def test_dummy_data_has_the_values_of_its_fillers(capsys: Captured) -> None:
    blobs = {"c": [normal(8, 3, 3, 3), normal(8)]}
    write(blobs, layers=[conv("c")])
    alone = output_of_c(capsys)
    for filler in ("data_filler { value: 7 }", 'data_filler { type: "constant" value: -2 }'):
        write(blobs, layers=[conv("c"), dummy(filler), SUM])
        assert output_of_c(capsys) == pytest.approx(alone, abs=0.01)
    write(
        blobs, layers=[conv("c"), dummy("data_filler { value: 0 } data_filler { value: 1 }", ("q", "p")), SUM]
    )
    assert output_of_c(capsys) == pytest.approx(alone, abs=0.01)
    # Everything becomes 0, and then there is no error.
    write(blobs, layers=[conv("c"), dummy(), SUM])
    assert output_of_c(capsys) == 150


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ('data_filler { type: "gaussian" }', "its values are random (gaussian): use an Input layer instead"),
        ("data_filler {} data_filler {}", "it has 2 data_fillers, but 1 top"),
    ],
)
def test_dummy_data_without_known_values_prevents_the_simulation(
    parameters: str, reason: str, capsys: Captured
) -> None:
    write({"c": [normal(8, 3, 3, 3), normal(8)]}, layers=[conv("c"), dummy(parameters), SUM])
    assert content(capsys, "--simulate")["notes"] == [f'no simulation: "d": {reason}']


def test_a_network_without_inputs_is_not_simulated(capsys: Captured) -> None:
    write({"c": [normal(8, 8, 3, 3), normal(8)]}, layers=[dummy(top="data"), conv("c")], inputs="")
    assert content(capsys, "--simulate")["notes"] == [
        "no simulation: no layer to simulate reads an input of the network"
    ]
