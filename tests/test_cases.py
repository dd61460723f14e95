"""Inputs from public bug reports: the diagnostics of each, with locations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from quantcfg import QuantConfigError, check_text, read_model
from quantcfg.diagnostics import Diagnostic
from quantcfg.editions.caffe.reader import read_network
from quantcfg.editions.caffe.weights import read_weights
from quantcfg.editions.sources import read_source
from tests.shared import CASES, needs_shared

TINYNET = Path(__file__).parents[1] / "examples" / "tinynet" / "deploy.prototxt"

# What is found in a prototxt: code, line and words.
PROTOTXT = {
    "c01_v1_quoted_type": ['QC202 4 "Input"'],
    "c02_double_name": ["QC214 14 name"],
    "c03_v1_mixed": ["QC316 6 layers"],
    "c04_v2_enum_type": ["QC202 3 CONVOLUTION"],
    "c07_v2_upper_string": ['QC320 4 "data"', 'QC318 3 "CONVOLUTION"'],
    "c10_html": ["QC117"],
    "c12_lfs": ["QC117"],
    "c18_missing_brace": ["QC104 22 "],
    "c30_train_only_data": ['QC320 7 "data"', 'QC320 8 "conv_1"'],
    "c35_state_stage": [],
    "c51": ["QC317 3 AVG"],
    "c67": ['QC324 3 "d"'],
    "c98_bn_false": ["QC326 3 false"],
    "w2": ['QC313 2 "fc6"'],
    "w7": ['QC313 2 "c"'],
}

pytestmark = needs_shared


def shown(found: Sequence[Diagnostic]) -> list[str]:
    return [
        f"{each.code} {each.span.start_position[0]} {each.span.text}" if each.span else each.code
        for each in found
    ]


@pytest.mark.parametrize("name", PROTOTXT)
def test_a_prototxt_is_reported_where_it_is_wrong(name: str) -> None:
    found: list[Diagnostic] = []
    source = read_source(CASES / f"{name}.prototxt.case", found.append, wanted="a prototxt")
    assert source
    file = CASES / f"{name}.caffemodel"
    weights = read_weights(file, found.append) if file.exists() else None
    read_network(source, weights, found.append)
    assert sorted(shown(found)) == sorted(PROTOTXT[name])


def test_the_missing_brace_is_that_of_the_bracket_that_indentation_shows() -> None:
    with pytest.raises(QuantConfigError) as raised:
        read_model(CASES / "c18_missing_brace.prototxt.case")
    (error,) = raised.value.diagnostics
    assert [each.span.start_position[0] for each in error.related] == [6]


def test_the_stages_of_the_net_decide() -> None:
    network = read_model(CASES / "c35_state_stage.prototxt.case")
    assert [layer.name for layer in network.layers] == ["data", "c"]


def test_weights_that_do_not_fit_leave_the_layer_in_the_configuration() -> None:
    found: list[Diagnostic] = []
    source = read_source(CASES / "w2.prototxt.case", found.append, wanted="a prototxt")
    assert source
    network = read_network(source, read_weights(CASES / "w2.caffemodel", found.append), found.append)
    assert network
    assert [layer.name for layer in network.quantizable] == ["fc6", "fc7"]


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("j31.json.case", ["QC501 2 1.0", "QC501 3 2.0"]),
        ("q01.cfg.case", ['QC401 1 "conv1, conv2"']),
        ("q28.cfg.case", ['QC401 1 "conv1" "conv2"']),
    ],
)
def test_a_request_or_configuration_is_reported_where_it_is_wrong(file: str, found: list[str]) -> None:
    text = (CASES / file).read_text(encoding="utf-8")
    network = None if file.startswith("j") else read_model(TINYNET)
    assert shown(check_text(text, file.removesuffix(".case"), network)) == found
