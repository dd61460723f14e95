"""One error is one diagnostic: nothing is reported that only follows from another error.

And a request that is checked without a network has the errors that it has for
every network.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quantcfg.compile import check_source
from quantcfg.diagnostics import Diagnostic, Severity, has_errors
from quantcfg.editions.caffe import CAFFE
from quantcfg.source import Source
from tests.laws import law_of_editions
from tests.marks import places, unmarked
from tests.networks import conv, inner_product, net, network, pool, relu
from tests.plan.generated import Case, cases
from tests.plan.requests import for_all, for_layer, for_type, mapping_of

NETWORK = network(
    net(
        conv("conv1"),
        relu("relu1", "conv1"),
        conv("conv2", "relu1"),
        pool("pool5", "conv2"),
        inner_product("fc8", "pool5"),
    )
)
FLAG = "arq_quantize { channel_wise: true }"
COMMON_FLAG = for_all(FLAG)
POOLING = for_type("Pooling")


def check(text: str, *, alone: bool = False) -> tuple[Diagnostic, ...]:
    return check_source(Source("quant.cfg", text), None if alone else NETWORK, CAFFE)


NOTHING_FOLLOWS = {
    "a misspelt type, which common_config does not reach then": COMMON_FLAG
    + POOLING
    + for_type("«QC403»InnerProdct"),
    "an unknown type, which may be any": COMMON_FLAG + for_type("«QC403»FC"),
    "a type that cannot be read": COMMON_FLAG
    + POOLING
    + 'override_layer_types { layer_type: «QC106»"InnerProduct\n calibration_config { } }',
    "a layer that cannot be read": COMMON_FLAG
    + POOLING
    + "override_layer_configs { layer_name «QC105»= «QC202»fc8 calibration_config { } }",
    "a misspelt layer": COMMON_FLAG + POOLING + for_layer("«QC401»fc_8"),
    "an override without a layer": COMMON_FLAG + "«QC206»override_layer_configs { calibration_config { } }",
    "an override that is misspelt": COMMON_FLAG
    + POOLING
    + for_type("InnerProduct").replace("override_layer_types", "«QC201»override_layer_tpyes"),
    "an end of the range that cannot be read": for_all(
        "ifmr_quantize { search_range_start: 1.4 search_range_end: «QC107»1.5.0 }"
    ),
    "an end of the range that is not finite": for_all(
        "ifmr_quantize { search_range_start: 1.4 search_range_end: «QC211»inf }"
    ),
    "ends of the range that are out of it": for_all(
        "ifmr_quantize { search_range_start: «QC501»-1 search_range_end: «QC501»-0.5 }"
    ),
    "a step that cannot be read beside a range that falls": for_all(
        "ifmr_quantize { search_step: «QC211»nan search_range_start: «QC411»2 }"
    ),
    "a step of the wrong kind": for_all("ifmr_quantize { search_step: «QC202»'9' search_range_end: 0.71 }"),
    "a misspelt layer that is skipped": 'skip_layers: ["conv1", «QC401»"cnov2", "pool5"]',
    "a value that many layers have": for_all("hfmg_quantize { num_of_bins: «QC501»5 }"),
    "a bracket too many": "common_config { ifmr_quantize { } } «QC104»}\nbatch_num: 2",
    "nuq for all, but for what cannot be read": for_all("nuq_quantize { }")
    + "override_layer_types { layer_type: «QC106»'Pooling\n calibration_config { } }",
    "a whole network": 'name: "net"\n«QC212»layer { name: "a" type: "Convolution" }\nlayer { }',
    "a misspelled layer that is not allowed there": 'skip_layers: «QC401»"relu_1"',
    "a misspelt layer without fusion that has none": 'skip_fusion_layers: «QC401»"conv_1"',
    "a misspelt layer with an override that cannot be quantized": for_layer("«QC401»reIu1"),
    "a mapping file that may never end": 'nuq_config { mapping_file: «QC101»"/dev/stdin" }',
    "nuq for many layers that cannot have it": 'nuq_config { mapping_file: «QC101»"nowhere.json" }',
    "fields of another edition": "«QC201»tensor_quantize { layer_name: 'a' }\n«QC201»version: 2",
}


@pytest.mark.parametrize("name", NOTHING_FOLLOWS)
def test_an_error_is_reported_and_nothing_that_follows_from_it(name: str) -> None:
    text, expected = unmarked(NOTHING_FOLLOWS[name])
    errors = [each for each in check(text) if each.severity is Severity.ERROR]
    assert places(errors) == expected


# --- without a network

ALONE = {
    "names of layers that may be there": 'skip_layers: "a"\nskip_fusion_layers: "b"\n' + for_layer("c"),
    "a layer twice": 'skip_layers: ["a", «QC404»"a"]',
    "two overrides of a layer": for_layer("a") + for_layer("«QC404»a"),
    "a type that is none": 'skip_layer_types: «QC403»"ReLU"',
    "all types": 'skip_layer_types: ["Convolution", "Deconvolution", "InnerProduct", «QC405»"Pooling"]',
    "all but one": 'skip_layer_types: ["Convolution", "Deconvolution", "InnerProduct"]\nskip_layers: "a"',
    "no batches": "batch_num: «QC501»0",
    "a value for all": for_all("ifmr_quantize { max_percentile: «QC501»0.5 }"),
    "a value for a type": for_type("Pooling", "hfmg_quantize { num_of_bins: «QC501»5 }"),
    "a value for a layer": for_layer("a", "nuq_quantize { num_steps: «QC501»5 }"),
    "a step": for_all("ifmr_quantize { search_step: «QC412»1 }"),
    "a flag for a type": for_type("Pooling", "arq_quantize { channel_wise: «QC409»true }"),
    "a flag that some layers can have": COMMON_FLAG + 'skip_layers: "fc"',
    "a flag for a layer of unknown type": for_layer("a", FLAG),
    "nuq for a type": for_type("Deconvolution", "«QC410»nuq_quantize { }"),
    "nuq for all": for_all("nuq_quantize { }"),
    "a deprecated field": "«QC425»conv_calibration_config { ifmr_quantize { search_step: «QC501»0 } }",
    "a deprecated field for the rest": (
        "«QC425»fc_calibration_config { arq_quantize { channel_wise: «QC409»true } }"
    ),
    "an override that loses a setting": for_all("ifmr_quantize { search_step: 0.02 }")
    + for_type("Pooling", "ifmr_quantize { }", mark="«QC423»"),
    "overrides of a layer and of what may be its type": (
        for_type("Convolution", "hfmg_quantize { num_of_bins: 1024 }") + for_layer("a", "hfmg_quantize { }")
    ),
    "a misspelt type": for_type("«QC403»innerproduct", "ifmr_quantize { max_percentile: «QC501»2 }"),
    "a flag of a level that another one may hide": (
        for_all("ifmr_quantize { asymmetric: false }")
        + for_type("InnerProduct", "hfmg_quantize { asymmetric: true }")
        + for_layer("ip1", "hfmg_quantize { }")
    ),
    "a loss of what may not be there": for_all("arq_quantize { channel_wise: false }")
    + for_layer("ip1", "hfmg_quantize { }"),
    "parameters of nuq": 'nuq_config { mapping_file: «QC101»"nowhere" nuq_quantize { num_steps: «QC501»8 } }',
    "a layer named like a key": 'skip_layers: "version"',
    "a mapping file that is not there": 'nuq_config { mapping_file: «QC101»"nowhere.json" }',
}


@pytest.mark.parametrize("name", ALONE)
def test_without_a_network_only_what_is_wrong_for_every_network_is_reported(name: str) -> None:
    text, expected = unmarked(ALONE[name])
    assert places(check(text, alone=True)) == expected


def test_a_loss_of_what_a_layer_cannot_have_is_none() -> None:
    text = for_all("nuq_quantize { }") + POOLING.replace("{  }", "{ arq_quantize { } }")
    assert [each.code for each in check(text) if each.severity is Severity.WARNING] == []


def test_layers_that_cannot_have_nuq_for_one_reason_are_reported_once() -> None:
    layers = (
        conv(f"conv{group}", parameters=f"num_output: 8 kernel_size: 3 group: {group}") for group in (2, 4, 8)
    )
    found = check_source(Source("quant.cfg", for_all("nuq_quantize { }")), network(net(*layers)), CAFFE)
    assert [each.code for each in found] == ["QC410"]
    assert '"conv2", "conv4" and "conv8" (Convolution): only one group is supported' in found[0].message


def test_a_mapping_file_that_flags_nothing_is_a_warning_without_a_network(tmp_path: Path) -> None:
    file = tmp_path / "mapping.json"
    file.write_text('{"graph": [{"op": []}]}')
    found = check(f'nuq_config {{ mapping_file: "{file}" }}', alone=True)
    assert [each.code for each in found] == ["QC429"]


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        (mapping_of("conv1"), ["QC501 1:{}"]),
        (mapping_of("nowhere"), ["QC501 1:{}"]),
        (mapping_of(), ["QC429 1:28"]),
    ],
    ids=["selects a layer", "selects another layer", "selects nothing"],
)
def test_a_mapping_file_may_select_any_layer_without_a_network(
    mapping: object, expected: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "mapping.json"
    file.write_text(json.dumps(mapping))
    text = f'nuq_config {{ mapping_file: "{file}" nuq_quantize {{ num_steps: 5 }} }}'
    found = check(text, alone=True)
    assert places(found) == [each.format(text.index("5 }") + 1) for each in expected]


@pytest.mark.parametrize(
    ("rest", "is_fixed"),
    [
        ("", True),
        ("batch_nmu: 2", True),
        ("batch_num: 'a", True),
        ("batch_num: 2 ?", False),
        ("batch_num 2", False),
        ("batch_num: 2 }", False),
    ],
)
def test_a_flag_is_not_changed_where_it_may_belong_to_another_message(rest: str, is_fixed: bool) -> None:
    found = check(for_layer("fc8", FLAG) + rest)
    (flag,) = (each for each in found if each.code == "QC409")
    assert bool(flag.fix) == is_fixed


def test_a_flag_beside_a_strange_character_is_not_changed() -> None:
    text, expected = unmarked(
        "common_config { arq_quantize { channel_wise: true «QC105»? } }\n"
        + for_type("Pooling")
        + for_type("InnerProduct", "arq_quantize { channel_wise: «QC409»true }")
    )
    found = [each for each in check(text) if each.severity is Severity.ERROR]
    assert places(found) == expected
    assert [each.fix for each in found] == [(), ()]


def test_a_slip_comes_before_a_name_that_is_only_like_it() -> None:
    for text in ('skip_layers: "Relu1"', 'skip_fusion_layers: "Conv1"', for_layer("RELU1")):
        (diagnostic,) = check(text)
        assert diagnostic.help in ('did you mean "relu1"?', 'did you mean "conv1"?')
        # To put it in would only make the next error.
        assert diagnostic.fix == ()


def test_a_name_in_pieces_is_not_put_together() -> None:
    (diagnostic,) = check('skip_layers: "conv" # kept\n  "_1"')
    assert diagnostic.help == 'did you mean "conv1"?'
    assert diagnostic.fix == ()


@law_of_editions(cases, examples=150)
def test_what_is_right_for_a_network_is_right_without_one(case: Case) -> None:
    if case.request.config_text is None:
        return
    source = Source("quant.cfg", case.request.config_text)
    against = check_source(source, case.network.read(), case.edition.edition)
    alone = check_source(source, None, case.edition.edition)
    if not has_errors(against):
        # What AMCT ignores for this network, because nothing uses it, another network may use. In a
        # deprecated field, one of the two algorithms may be unused, and no diagnostic says so.
        unused = {"QC421", "QC422", "QC425", "QC430"} & {diagnostic.code for diagnostic in against}
        assert unused or not has_errors(alone)


@law_of_editions(cases, examples=100)
def test_every_error_is_reported_once(case: Case) -> None:
    if case.request.config_text is None:
        return
    source = Source("quant.cfg", case.request.config_text)
    for against in (None, case.network.read()):
        said = [
            (each.code, each.span, each.message)
            for each in check_source(source, against, case.edition.edition)
        ]
        assert len(said) == len(set(said))
