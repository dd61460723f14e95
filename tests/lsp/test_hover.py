"""Hover at the cursor."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from quantcfg import contracts
from quantcfg.lsp.document import Document
from quantcfg.lsp.hover import hover
from quantcfg.lsp.models import Model
from quantcfg.source import Source
from tests.lsp.documents import MODEL, at_mark, request

REQUEST = """\
batch_num: 2
skip_layers: "fc_🦊"
common_config { ifmr_quantize { search_step: 0.02 } }
override_layer_configs {
  layer_name: "conv1"
  calibration_config { ifmr_quantize { search_step: 0.005 } }
}
"""


def said(
    marked: str, model: Model | None = MODEL, name: str = "quant.cfg", requests: Sequence[Document] = ()
) -> str | None:
    found = hover(*at_mark(marked, name, model), requests)
    return found.text if found else None


def mark(text: str, before: str) -> str:
    """Return text with the mark before the last occurrence of a part of it."""
    start, _, end = text.rpartition(before)
    return f"{start}‸{before}{end}"


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (
            "batch_num",
            [
                "an integer; at least 1; default 1",
                "Number of calibration batches",
                "batch_num  2",
                "without it: 1",
            ],
        ),
        ("search_step: 0.005", ["a number; greater than 0; default 0.01", "Distance between two scales"]),
        ("0.005", ["Effective in 1 layer", "without it: 0.01", "overridden: 0.02, common_config"]),
        ("0.02", ["Effective in 3 layers", '"conv2", "fc_🦊" and "pool"']),
        ("override_layer_configs", ["Applies to 1 layer", "replaces all of common_config (quant.cfg:3:1)"]),
        ("common_config", ["Settings for all layers without", "Applies to 3 layers"]),
        ('"conv1"', ["Convolution (net.prototxt:2:9)", "folded into", "search_step"]),
        ('"fc_🦊"', ["InnerProduct", "quant_enable", "skip_layers (quant.cfg:2:14)"]),
    ],
)
def test_hover_over_a_name_or_a_value(before: str, expected: list[str]) -> None:
    text = said(mark(REQUEST, before))
    assert text
    for each in expected:
        assert each in text


def test_of_a_type_the_layers_are_said() -> None:
    assert said('skip_layer_types: "‸Convolution"') == '**Convolution**: 2 layers: "conv1" and "conv2"'


@pytest.mark.parametrize("marked", ["‸", "# batch_‸num", "common_config { ‸ }", "what‸: 1", ""])
def test_of_nothing_nothing_is_said(marked: str) -> None:
    assert said(marked if "‸" in marked else "‸") is None


@pytest.mark.parametrize("name", contracts.schema("quant_config.schema.json")["definitions"])
def test_what_the_schema_defines_is_an_algorithm_only_if_it_is_one(name: str) -> None:
    marked = f"common_config {{ ifmr_quantize {{ {name} {{ search_‸step: 1 }} }} }}"
    assert ("greater than 0" in (said(marked) or "")) == (name == "ifmr")


def test_the_span_is_that_of_what_is_spoken_of() -> None:
    found = hover(*at_mark('skip_layers: "c‸onv1"'))
    assert found
    assert found.span.text == '"conv1"'


def test_without_a_model_the_meaning_is_said() -> None:
    text = said("common_config { hfmg_quantize { num_of_bins‸: 4096 } }", None)
    assert text
    assert "one of 1024, 2048, 4096, 8192; default 4096" in text
    assert "layer" not in text


CONFIGURATION = """\
{
  "batch_num": 1,
  "conv1": {
    "quant_enable": true,
    "activation_quant_params": {"act_algo": "hfmg", "num_of_bins": 4096},
    "weight_quant_params": {"wts_algo": "arq_quantize", "channel_wise": true}
  },
  "pool_max": {}
}
"""


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ('"batch_num"', ["calibration batches; at least 1; default 1", "The number of calibration batches"]),
        ('"conv1"', ["**conv1**, Convolution (net.prototxt:2:9)", "Fused: conv1 + bn1 + scale1"]),
        ('"pool_max"', ["Cannot be quantized: only average pooling"]),
        ('"num_of_bins"', ["histogram bins; one of 1024, 2048, 4096, 8192; default 4096"]),
        ("4096", ["histogram bins"]),
        ('"act_algo"', ['activation algorithm; one of ifmr, hfmg; default "ifmr"']),
        ('"channel_wise"', ["Whether each output channel"]),
    ],
)
def test_hover_over_a_key_of_a_configuration(before: str, expected: list[str]) -> None:
    text = said(mark(CONFIGURATION, before), name="config.json")
    assert text
    for each in expected:
        assert each in text


def test_bins_without_an_algorithm_are_those_of_hfmg() -> None:
    text = said('{"a": {"activation_quant_params": {"num_of_bins‸": 4096}}}', name="config.json")
    assert text
    assert "histogram bins; one of 1024, 2048, 4096, 8192" in text


def test_of_a_configuration_that_cannot_be_read_what_can_be_is_said() -> None:
    text = said('{"batch_num‸": ', name="config.json")
    assert text
    assert "calibration batches" in text


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ('"batch_num"', ["In quant.cfg:", "batch_num  2", "(quant.cfg:1:12)", "without it: 1"]),
        ('"act_algo"', ["In quant.cfg:", 'act_algo  "ifmr"', "ifmr_quantize of the override of layer"]),
        ('"conv1"', ["calibration: the override of layer", "search_step"]),
    ],
)
def test_a_request_says_where_a_value_of_a_configuration_comes_from(before: str, expected: list[str]) -> None:
    text = said(mark(CONFIGURATION, before), name="config.json", requests=[request(REQUEST)])
    assert text
    for each in expected:
        assert each in text


@pytest.mark.parametrize("text", ["", "[]", "1", '[{"conv1": {}}]'])
def test_a_configuration_without_an_object_has_no_hover(text: str) -> None:
    assert hover(Document(Source("config.json", text)), 0, ()) is None
