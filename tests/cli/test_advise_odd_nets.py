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
    assert printed(capsys, "--format", "cfg")[0] == ["# No setting needs to differ from its default."]


def test_a_layer_that_the_request_skips_is_not_advised_again(capsys: Captured) -> None:
    blobs = weights()
    blobs["conv2"][0][0] = np.inf
    write(blobs)
    request = configured('skip_layers: "conv2"\n')
    assert reasons(content(capsys, *request), "conv2") == ["its weights are not finite after folding"]
    assert printed(capsys, "--format", "cfg", *request)[0] == ['skip_layers: "conv2"']


def test_the_only_layer_that_is_quantized_is_named_if_its_weights_are_not_finite(capsys: Captured) -> None:
    write({"a": [np.full((8, 3, 3, 3), np.inf, np.float32), normal(8)]}, layers=[conv("a", parameters=CONV)])
    found = content(capsys)
    assert items(found, "quant_enable") == []
    refused = "AMCT refuses to quantize it, and no other layer is left to quantize"
    assert reasons(found, "a") == [f"its weights are not finite after folding: {refused}"]
    assert found["notes"] == ['the weights of "a" are not finite, and no other layer is quantized']
    _, err = printed(capsys, "--format", "cfg")
    assert any('"a"' in line for line in err)


# --- channels that become 0, and small gains


def test_channels_become_zero_only_with_a_factor_for_each(capsys: Captured) -> None:
    blobs = weights()
    blobs["conv2"][0][3:5] = 1e-6
    blobs["fc"][0][3] = 1e-6
    write(blobs)
    assert reasons(content(capsys), "conv2") == ["2 channels are quantized to 0, being almost 0"]
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
def test_a_blob_that_is_no_array_is_reported(shape: tuple[int, ...], inputs: str, capsys: Captured) -> None:
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
