"""Completion."""

from __future__ import annotations

import re

import pytest

from quantcfg import contracts
from quantcfg.compile import check_source
from quantcfg.diagnostics.catalogue import SYNTAX
from quantcfg.editions.caffe import CAFFE
from quantcfg.lsp.completion import Item, completions
from quantcfg.lsp.models import Model
from quantcfg.source import Source
from tests.lsp.documents import MODEL, at_mark

CONFIG = contracts.message_class("calibration_config_caffe", "amct_caffe.AMCTConfig").DESCRIPTOR


def items(marked: str, model: Model | None = MODEL) -> tuple[Item, ...]:
    return completions(*at_mark(marked, model=model))


def labels(marked: str, model: Model | None = MODEL) -> list[str]:
    return [item.label for item in items(marked, model)]


def chosen(marked: str, label: str) -> str:
    """Return the text after inserting the item with this label."""
    document, offset = at_mark(marked)
    (item,) = (each for each in completions(document, offset) if each.label == label)
    text = document.source.text
    return text[: item.span.start] + item.text + text[item.span.end :]


def test_at_the_top_are_all_fields_that_are_not_deprecated() -> None:
    current = [field.name for field in CONFIG.fields if not field.GetOptions().deprecated]
    assert labels("‸") == current
    assert "conv_calibration_config" not in current


def test_a_field_that_is_set_is_not_offered_again_unless_it_is_repeated() -> None:
    found = labels('batch_num: 1\nskip_layers: "conv1"\n‸')
    assert "batch_num" not in found
    assert "skip_layers" in found


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("common_config { ‸ }", ["arq_quantize", "nuq_quantize", "ifmr_quantize", "hfmg_quantize"]),
        ("common_config { hfmg_quantize { ‸", ["num_of_bins", "asymmetric"]),
        ("override_layer_types { ‸", ["layer_type", "calibration_config"]),
        ("common_config { hfmg_quantize { override_layer_types { ‸", ["layer_type", "calibration_config"]),
        ("activation_offset: ‸", ["true", "false"]),
        ("common_config { hfmg_quantize { num_of_bins: ‸", ["1024", "2048", "4096", "8192"]),
        ("common_config { ifmr_quantize { search_step: ‸", ["0.01", "0.02"]),
        ("batch_num: ‸", ["1", "2", "16"]),
        ("skip_layer_types: ‸", ["Convolution", "InnerProduct", "Pooling", "Deconvolution"]),
        ("override_layer_configs { layer_name: ‸", ["conv1", "conv2", "pool", "fc_🦊"]),
        ('override_layer_configs { layer_name: "c‸', ["conv1", "conv2", "pool", "fc_🦊"]),
        ("skip_fusion_layers: ‸", ["conv1"]),
        ('skip_layers: ["conv1", ‸]', ["conv1", "conv2", "pool", "pool_max", "fc_🦊"]),
        ("# batch‸", []),
        ("unknown: ‸", []),
        ("common_config { ifmr_quantize { asymmetric { num_of_bins: ‸", []),
        ("unknown { ‸ }", [field.name for field in CONFIG.fields if not field.GetOptions().deprecated]),
        ("common_config: ‸", []),
        ('nuq_config { mapping_file: "‸', []),
        ('batch_num: "‸', []),
    ],
)
def test_what_is_offered(marked: str, expected: list[str]) -> None:
    assert sorted(labels(marked)) == sorted(expected)


def test_without_a_model_there_are_types_and_no_layers() -> None:
    assert "Pooling" in labels("skip_layer_types: ‸", None)
    assert labels("skip_layers: ‸", None) == []


@pytest.mark.parametrize(
    ("marked", "label", "expected"),
    [
        ("bat‸", "batch_num", "batch_num: "),
        ("skip_layers: ‸", "conv1", 'skip_layers: "conv1"'),
        ('skip_layers: "‸', "conv1", 'skip_layers: "conv1"'),
        ('skip_layers: "co‸nv9" do_fusion: true', "conv1", 'skip_layers: "conv1" do_fusion: true'),
        ("skip_layers: '‸'", "fc_🦊", "skip_layers: 'fc_🦊'"),
        ("skip_layers: 'fc‸", "fc_🦊", "skip_layers: 'fc_🦊'"),
        ('skip_layer‸s: "conv1"', "skip_layer_types", 'skip_layer_types: "conv1"'),
        ("common‸ { }", "common_config", "common_config { }"),
        ("do_fusion: t‸", "false", "do_fusion: false"),
    ],
)
def test_what_is_chosen_takes_the_place_of_what_was_begun(marked: str, label: str, expected: str) -> None:
    assert chosen(marked, label) == expected


def test_an_item_says_what_it_means_and_what_it_takes() -> None:
    (item,) = (each for each in items("‸") if each.label == "batch_num")
    assert item.detail == "an integer; at least 1; default 1"
    assert item.documentation == CAFFE.request.descriptor.fields["batch_num"].comment


def test_a_layer_says_its_type_and_whether_it_can_be_quantized() -> None:
    details = {item.label: item.detail for item in items("skip_layers: ‸")}
    assert details["conv1"] == "Convolution"
    assert details["pool_max"].startswith("Pooling, cannot be quantized: only average")


def test_a_type_says_how_many_layers_it_has() -> None:
    details = {item.label: item.detail for item in items("skip_layer_types: ‸")}
    assert details["Convolution"] == "2 quantizable layers"


def test_a_message_comes_with_the_fields_it_requires() -> None:
    (item,) = (each for each in items("‸") if each.label == "override_layer_configs")
    assert (
        item.snippet == 'override_layer_configs {\n  layer_name: "$1"\n  calibration_config {\n    $0\n  }\n}'
    )
    (item,) = (each for each in items("‸") if each.label == "batch_num")
    assert item.snippet == "batch_num: ${0:1}"


def test_every_snippet_is_syntactically_valid() -> None:
    for marked in ("‸", "common_config { ‸ }", "override_layer_types { ‸ }"):
        for item in items(marked):
            assert item.snippet
            text = re.sub(r"\$\{\d+:([^}]*)\}|\$\d", r"\1", item.snippet)
            found = check_source(Source("quant.cfg", marked.replace("‸", text)), None, CAFFE)
            assert [each for each in found if each.code == SYNTAX.code] == []
