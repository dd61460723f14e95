"""Two configurations compared: what counts as a change, and how it is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st

from quantcfg import compile_config
from quantcfg.configuration import completed
from quantcfg.diagnostics import Diagnostic
from quantcfg.difference import Change, applied, configuration_in, difference, in_words
from quantcfg.editions.caffe.edition import CAFFE
from quantcfg.output import text_of
from quantcfg.source import Source
from tests.decompiler.tuned import NETWORK, tuned_configs
from tests.laws import law
from tests.networks import network
from tests.plan.generated import generated_networks, requests
from tests.plan.requests import for_all, for_layer, for_type

SCHEMA = NETWORK.edition.schema
TYPES = {layer.name: layer.type for layer in NETWORK.quantizable}

# --- laws


@law(tuned_configs(), tuned_configs())
def test_what_a_difference_says_makes_one_configuration_of_the_other(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    for against in (NETWORK, None):
        before, after = completed(old, against, SCHEMA), completed(new, against, SCHEMA)
        changes = difference(before, after, SCHEMA)
        assert text_of(applied(before, changes, SCHEMA)) == text_of(after)
        assert (changes == ()) == (text_of(before) == text_of(after))
        assert bool(list(in_words(changes, TYPES, SCHEMA))) == bool(changes)


@law(tuned_configs())
def test_a_configuration_does_not_differ_from_itself_or_from_what_it_leaves_unsaid(
    config: dict[str, Any],
) -> None:
    whole = completed(config, NETWORK, SCHEMA)
    assert difference(whole, whole, SCHEMA) == ()
    assert completed(whole, NETWORK, SCHEMA) == whole
    assert difference(whole, completed(dict(reversed(config.items())), NETWORK, SCHEMA), SCHEMA) == ()


@st.composite
def _pairs(draw: Any) -> Any:
    model = draw(generated_networks())
    return model, draw(requests(model.layers)), draw(requests(model.layers))


@law(_pairs())
def test_requests_differ_exactly_if_they_compile_to_something_else(pair: Any) -> None:
    generated, *asked = pair
    model = network(generated.prototxt)
    old, new = (
        compile_config(model, config_text=each.config_text, **(each.arguments or {})) for each in asked
    )
    if old.config and new.config:
        assert completed(old.config, model, SCHEMA) == old.config
        changes = difference(old.config, new.config, SCHEMA)
        assert (changes == ()) == (old.text == new.text)
        assert text_of(applied(old.config, changes, SCHEMA)) == new.text


# --- in words

IFMR = "ifmr_quantize {{ {} }}".format
FEW = for_layer("conv1", IFMR("search_step: 0.02")) + for_layer("größe", IFMR("search_step: 0.02"))

WORDS = {
    ("", ""): [],
    ("", "batch_num: 2 do_fusion: false"): ["batch_num: 1 → 2", "do_fusion: true → false"],
    ('skip_fusion_layers: "conv1"', 'skip_fusion_layers: ["conv2", "conv3"]'): [
        'skip_fusion_layers: without "conv1"',
        'skip_fusion_layers: with "conv2" and "conv3"',
    ],
    ('skip_fusion_layers: ["conv1", "conv2"]', 'skip_fusion_layers: ["conv2", "conv1"]'): [
        'skip_fusion_layers: ["conv1", "conv2"] → ["conv2", "conv1"]',
    ],
    ('skip_layers: "up1"', 'skip_layers: ["conv1", "größe"]'): [
        '"conv1" and "größe" are no longer quantized',
        '"up1" is quantized now',
    ],
    ("", 'skip_layer_types: "Convolution"'): ["4 Convolution layers are no longer quantized"],
    ("", FEW): ['search_step: 0.01 → 0.02 in "conv1" and "größe"'],
    ("", for_all(IFMR("search_step: 0.02"))): ["search_step: 0.01 → 0.02 in all 9 layers"],
    ("", for_type("Convolution", IFMR("search_step: 0.02"))): [
        "search_step: 0.01 → 0.02 in 4 Convolution layers"
    ],
    ("", for_type("Convolution", IFMR("search_step: 0.02")) + FEW): [
        'search_step: 0.01 → 0.02 in 4 Convolution layers and "größe"'
    ],
    (for_layer("conv2", IFMR("search_step: 0.02")), for_all(IFMR("search_step: 0.02"))): [
        "search_step: 0.01 → 0.02 in 3 of 4 Convolution layers "
        '("conv1", "conv3" and "conv4") and "up1" and 2 Pooling layers and 2 InnerProduct layers'
    ],
    (for_layer("up1", IFMR("search_range_end: 1.4")), for_layer("up1", IFMR("search_range_start: 0.8"))): [
        'search_range: [0.7, 1.4] → [0.8, 1.3] in "up1"'
    ],
    ("", for_layer("fc1", "hfmg_quantize {}")): ['act_algo: ifmr → hfmg in "fc1"'],
    (
        for_layer("fc1", "hfmg_quantize { num_of_bins: 2048 }"),
        for_layer("fc1", IFMR("search_step: 0.02 max_percentile: 0.9 asymmetric: false")),
    ): [
        'act_algo: hfmg with num_of_bins 2048 → ifmr with max_percentile 0.9 and search_step 0.02 in "fc1"',
        'asymmetric: true → false in "fc1"',
    ],
    ("", for_layer("fc1", "nuq_quantize { num_steps: 16 }")): [
        'wts_algo: arq_quantize → nuq_quantize with num_steps 16 in "fc1"'
    ],
}


@pytest.mark.parametrize("pair", WORDS)
def test_changes_are_told_once_for_all_layers_that_share_them(pair: tuple[str, str]) -> None:
    old, new = (compile_config(NETWORK, config_text=text).config for text in pair)
    assert old
    assert new
    assert list(in_words(difference(old, new, SCHEMA), TYPES, SCHEMA)) == WORDS[pair]


LISTED = {
    ('{"a": {}, "b": {}}', '{"a": {}}'): ['"b" is left out now, and no longer quantized'],
    ('{"a": {}, "b": {"quant_enable": false}}', '{"a": {}}'): [
        '"b" is left out now, and was not quantized before'
    ],
    ('{"a": {}}', '{"a": {}, "b": {}}'): ['"b" is listed now, and quantized'],
    ('{"a": {}}', '{"a": {}, "b": {"quant_enable": false}}'): ['"b" is listed now, and still not quantized'],
    ('{"a": {}}', '{"a": {"weight_quant_params": {"channel_wise": false}}}'): [
        'channel_wise: left out → false in "a"'
    ],
    ('{"a": {}}', '{"a": {"activation_quant_params": {"act_algo": "ifmr", "max_percentile": 0.999999}}}'): [],
    (
        '{"a": {"activation_quant_params": {"num_of_bins": 2048}}}',
        '{"a": {"activation_quant_params": {"act_algo": "hfmg", "num_of_bins": 2048}}}',
    ): [],
    ('{"a": {}}', '{"a": {"activation_quant_params": {"num_of_bins": 4096}}}'): [
        'act_algo: ifmr → hfmg in "a"'
    ],
    ('{"a": {}, "activation_offset": false}', '{"a": {}}'): [
        "activation_offset: false → true",
        'asymmetric: false → true in "a"',
    ],
}


@pytest.mark.parametrize("pair", LISTED)
def test_without_a_network_configurations_are_compared_as_far_as_they_go(pair: tuple[str, str]) -> None:
    old, new = (read(text) for text in pair)
    types = dict.fromkeys((old.keys() | new.keys()) - {"activation_offset"}, "")
    assert list(in_words(difference(old, new, SCHEMA), types, SCHEMA)) == LISTED[pair]


def read(text: str) -> dict[str, Any]:
    found: list[Diagnostic] = []
    config = configuration_in(Source("config.json", text), None, CAFFE, found.append)
    assert found == []
    assert config
    return config


def test_a_change_says_where_it_is() -> None:
    old, new = (
        read('{"a": {}, "b": {}, "c": {}}'),
        read('{"batch_num": 2, "a": {"quant_enable": false}, "c": {}}'),
    )
    assert difference(old, new, SCHEMA) == (
        Change(None, ("batch_num",), 1, 2),
        Change("a", ("quant_enable",), True, False),
        Change("b", (), old["b"], None),
    )


@pytest.mark.parametrize("key", ["version", "batch_num"])
def test_a_configuration_with_a_fraction_for_an_integer_is_not_compared(key: str) -> None:
    found: list[Diagnostic] = []
    source = Source("config.json", f'{{"{key}": 1.0, "a": {{}}}}')
    assert configuration_in(source, None, CAFFE, found.append) is None
    assert [each.code for each in found] == ["QC501"]


def test_a_request_without_a_network_stands_for_nothing_but_is_checked() -> None:
    found: list[Diagnostic] = []
    assert configuration_in(Source("quant.cfg", "batch_num: 0"), None, CAFFE, found.append) is None
    assert [each.code for each in found] == ["QC501"]
