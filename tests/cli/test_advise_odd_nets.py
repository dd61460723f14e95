"""The command advise on networks and weights that are valid, but unusual."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from quantcfg.weights.arrays import Array
from tests.cli import test_advise
from tests.cli.test_advise import CONV, ONE_FACTOR, configured, content, items, printed, weights, write
from tests.networks import conv, layer

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
