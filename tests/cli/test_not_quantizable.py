"""The layers that stay in floating point although they are not skipped: every command reports why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from quantcfg import cli
from tests.networks import batch_norm, conv, deconv, inner_product, net, pool, relu, scale

MODEL = ("--model", "deploy.prototxt")
CONV = conv("conv")
MAX = pool("max", "conv", parameters="pool: MAX kernel_size: 2")
GLOBAL = pool("global", "conv", parameters="pool: AVE global_pooling: true")
DILATED = deconv("up", "conv", parameters="num_output: 8 kernel_size: 3 dilation: 2")
TRANSPOSED = inner_product("fc", "conv", parameters="num_output: 8 transpose: true")
SHARED = [conv(name, param="name: 'w'") for name in ("left", "right")]
POOLS = [pool(f"pool{index}", "conv", parameters="pool: MAX kernel_size: 2") for index in range(7)]


@pytest.fixture(autouse=True)
def _in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def summary(capsys: pytest.CaptureFixture[str], layers: Sequence[str], config: str = "") -> str:
    """Return the last line that compile prints for a network."""
    Path("deploy.prototxt").write_text(net(CONV, *layers), encoding="utf-8")
    Path("quant.cfg").write_text(config)
    assert (
        cli.main(["compile", *MODEL, "--config", "quant.cfg", "-o", "config.json", "--ignore", "QC504"]) == 0
    )
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("layers", "listed"),
    [
        ([MAX], "1 not quantizable: max (max pooling)"),
        ([GLOBAL], "1 not quantizable: global (global pooling)"),
        ([DILATED], "1 not quantizable: up (dilation 2)"),
        ([TRANSPOSED], "1 not quantizable: fc (transposed weight)"),
        ([MAX, DILATED], "2 not quantizable: max (max pooling), up (dilation 2)"),
        (
            POOLS[:5],
            "5 not quantizable: pool0 (max pooling), pool1 (max pooling), pool2 (max pooling), "
            "pool3 (max pooling), pool4 (max pooling)",
        ),
        (
            POOLS[:6],
            "6 not quantizable: "
            "pool0 (max pooling), pool1 (max pooling), pool2 (max pooling), pool3 (max pooling), and 2 more",
        ),
        (
            POOLS,
            "7 not quantizable: "
            "pool0 (max pooling), pool1 (max pooling), pool2 (max pooling), pool3 (max pooling), and 3 more",
        ),
    ],
)
def test_the_summary_says_what_is_not_quantizable_and_why(
    layers: Sequence[str], listed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = summary(capsys, layers)
    assert shown == f"config.json: 1 layer quantized, 0 skipped, {listed}, 0 fused, 0 warnings"


def test_the_summary_names_layers_that_share_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert summary(capsys, SHARED) == (
        "config.json: 1 layer quantized, 0 skipped, "
        "2 not quantizable: left (shared parameters), right (shared parameters), 0 fused, 1 warning"
    )


@pytest.mark.parametrize("layers", [[], [relu("relu", "conv")], [relu("größe", "conv")]])
def test_the_summary_does_not_list_layers_of_types_that_are_never_quantized(
    layers: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert summary(capsys, layers) == "config.json: 1 layer quantized, 0 skipped, 0 fused, 0 warnings"


@pytest.mark.parametrize(
    ("config", "listed"),
    [
        ('skip_layers: "max"', "1 not quantizable: up (dilation 2), "),
        ('skip_layer_types: "Pooling"', "1 not quantizable: up (dilation 2), "),
        ('skip_layer_types: ["Pooling", "Deconvolution"]', ""),
        ('skip_layers: "max" skip_layers: "up"', ""),
    ],
)
def test_the_summary_does_not_count_skipped_layers_as_not_quantizable(
    config: str, listed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = summary(capsys, [MAX, DILATED], config)
    assert shown.startswith(f"config.json: 1 layer quantized, 0 skipped, {listed}0 fused, ")


def test_control_characters_of_a_name_are_replaced_in_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    layer = pool(r"\033[31m", "conv", parameters="pool: MAX kernel_size: 2")
    shown = summary(capsys, [layer])
    assert "\033" not in shown
    assert "1 not quantizable: \N{REPLACEMENT CHARACTER}[31m (max pooling)" in shown


# --- fusion

BATCH_STATISTICS = (
    CONV,
    batch_norm("bn", "conv", parameters="use_global_stats: false"),
    scale("scale", "bn"),
)
NOT_ALONG_CHANNELS = (CONV, batch_norm("bn", "conv"), scale("scale", "bn", parameters="axis: 2"))


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        (BATCH_STATISTICS, '"bn" cannot be folded: use_global_stats is false'),
        (
            NOT_ALONG_CHANNELS,
            '"scale" cannot be folded: only scaling along the channels is supported, axis is 2',
        ),
    ],
)
def test_layers_and_explain_say_why_nothing_is_folded(
    layers: Sequence[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("deploy.prototxt").write_text(net(*layers))
    assert cli.main(["layers", *MODEL]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.endswith(f"no: {reason}") for row in rows] == [False, True, True, True, False]
    assert cli.main(["layers", *MODEL, "--format", "json"]) == 0
    entries = json.loads(capsys.readouterr().out)["layers"]
    assert [(entry["fusion"], entry["fusion_reason"]) for entry in entries] == [(None, reason)] * 3
    assert cli.main(["explain", *MODEL, "conv"]) == 0
    assert f"  fusion: none: {reason}\n" in capsys.readouterr().out


def test_a_layer_of_a_fusion_group_has_no_reason_against_it(capsys: pytest.CaptureFixture[str]) -> None:
    Path("deploy.prototxt").write_text(net(CONV, batch_norm("bn", "conv"), scale("scale", "bn")))
    assert cli.main(["layers", *MODEL, "--format", "json"]) == 0
    entries = json.loads(capsys.readouterr().out)["layers"]
    group = ["conv", "bn", "scale"]
    assert [(entry["fusion"], entry["fusion_reason"]) for entry in entries] == [(group, None)] * 3
