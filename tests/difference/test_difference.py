"""Two configurations compared: what counts as a change, and how it is shown."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import strategies as st

from quantcfg import compile_config
from quantcfg.compile import compile_source
from quantcfg.diagnostics import has_errors
from quantcfg.diff import Change, difference, in_words
from quantcfg.editions.caffe import CAFFE
from quantcfg.emit import emit
from quantcfg.network import Edition, Network
from quantcfg.plan import Plan
from quantcfg.source import Source
from tests.decompiler.tuned import NETWORK, Tuned, tuned_configs
from tests.editions import KnownEdition
from tests.laws import law_of_editions
from tests.plan.generated import requests
from tests.plan.requests import for_all, for_layer, for_type

SCHEMA = NETWORK.edition.schema
TYPES = {layer.name: layer.type for layer in NETWORK.quantizable}

# --- laws


def plan_of(config: Mapping[str, Any], against: Network | None = NETWORK, edition: Edition = CAFFE) -> Plan:
    return read(json.dumps(config), against, edition)


def read(text: str, against: Network | None = None, edition: Edition = CAFFE) -> Plan:
    compiled = compile_source(Source("config.json", text), against, edition)
    assert not has_errors(compiled.diagnostics)
    return compiled.plan


def written(config: Mapping[str, Any]) -> str:
    return json.dumps(config, sort_keys=True)


def applied(config: dict[str, Any], changes: Iterable[Change]) -> dict[str, Any]:
    """Return a configuration with changes made to it."""
    result = copy.deepcopy(config)
    for change in changes:
        *parents, key = change.path if change.layer is None else (change.layer, *change.path)
        place: Any = result
        for parent in parents:
            place = place[parent]
        if change.new is None:
            del place[key]
        else:
            place[key] = change.new
    return result


@law_of_editions(tuned_configs, tuned_configs, examples=50)
def test_what_a_difference_says_makes_one_configuration_of_the_other(old: Tuned, new: Tuned) -> None:
    edition, types = old.network.edition, {layer.name: layer.type for layer in old.network.quantizable}
    for against in (old.network, None):
        before, after = (plan_of(each.config, against, edition) for each in (old, new))
        changes = difference(before, after)
        was, becomes = emit(before), emit(after)
        assert written(applied(was.config, changes)) == written(becomes.config)
        assert (changes == ()) == (was.text == becomes.text)
        assert bool(list(in_words(changes, types, edition.schema))) == bool(changes)


@law_of_editions(tuned_configs, examples=50)
def test_a_configuration_does_not_differ_from_itself_or_from_what_it_leaves_unsaid(tuned: Tuned) -> None:
    plan = plan_of(tuned.config, tuned.network)
    whole = emit(plan)
    assert difference(plan, plan) == ()
    assert emit(read(whole.text, tuned.network)).text == whole.text
    assert difference(plan, plan_of(dict(reversed(tuned.config.items())), tuned.network)) == ()


@st.composite
def _pairs(draw: Any, edition: KnownEdition) -> Any:
    model = draw(edition.networks)
    return model, draw(requests(edition, model.layers)), draw(requests(edition, model.layers))


@law_of_editions(_pairs, examples=50)
def test_requests_differ_exactly_if_they_compile_to_something_else(pair: Any) -> None:
    generated, *asked = pair
    model = generated.read()
    old, new = (
        compile_config(model, config_text=each.config_text, **(each.arguments or {})) for each in asked
    )
    if old.config and new.config and old.plan and new.plan:
        assert old.text
        assert emit(read(old.text, model)).text == old.text
        changes = difference(old.plan, new.plan)
        assert (changes == ()) == (old.text == new.text)
        assert written(applied(old.config, changes)) == written(new.config)


# --- in words

IFMR = "ifmr_quantize {{ {} }}".format
FEW = for_layer("conv1", IFMR("search_step: 0.02")) + for_layer("größe", IFMR("search_step: 0.02"))

WORDS = {
    ("", ""): [],
    ("", "batch_num: 2 do_fusion: false"): ["batch_num: 1 → 2", "do_fusion: true → false"],
    ('skip_fusion_layers: "conv1"', 'skip_fusion_layers: ["conv2", "conv3"]'): [
        'skip_fusion_layers: removed "conv1"',
        'skip_fusion_layers: added "conv2" and "conv3"',
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
def test_changes_are_shown_once_for_all_layers_that_share_them(pair: tuple[str, str]) -> None:
    old, new = (compile_config(NETWORK, config_text=text).plan for text in pair)
    assert old
    assert new
    assert shown(difference(old, new), TYPES) == WORDS[pair]


LISTED = {
    ('{"a": {}, "b": {}}', '{"a": {}}'): ['"b" is omitted now, and no longer quantized'],
    ('{"a": {}, "b": {"quant_enable": false}}', '{"a": {}}'): [
        '"b" is omitted now, and was not quantized before'
    ],
    ('{"a": {}}', '{"a": {}, "b": {}}'): ['"b" is listed now, and quantized'],
    ('{"a": {}}', '{"a": {}, "b": {"quant_enable": false}}'): ['"b" is listed now, and still not quantized'],
    ('{"a": {}}', '{"a": {"weight_quant_params": {"channel_wise": false}}}'): [
        'channel_wise: omitted → false in "a"'
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
    types = {layer.layer.name: "" for plan in (old, new) for layer in plan.layers}
    assert shown(difference(old, new), types) == LISTED[pair]


def shown(changes: Iterable[Change], types: Mapping[str, str]) -> list[str]:
    """Return changes in words, without the places behind them."""
    return [re.sub(r" \([^()]*\.\w+:\d+:\d+[^()]*\)$", "", line) for line in in_words(changes, types, SCHEMA)]


def test_a_change_says_where_it_is() -> None:
    old, new = (
        read('{"a": {}, "b": {}, "c": {}}'),
        read('{"batch_num": 2, "a": {"quant_enable": false}, "c": {}}'),
    )
    changes = difference(old, new)
    assert [(each.layer, each.path, each.old, each.new) for each in changes] == [
        (None, ("batch_num",), 1, 2),
        ("a", ("quant_enable",), True, False),
        ("b", (), emit(old).config["b"], None),
    ]
    places = [
        [span and (span.text, span.start_position) for span in (each.old_span, each.new_span)]
        for each in changes
    ]
    assert places == [
        [None, ("2", (1, 15))],
        [None, ("false", (1, 40))],
        [('"b"', (1, 11)), None],
    ]


PLACES = {
    (
        '{"batch_num": 1, "a": {}}',
        '{"a": {}, "batch_num": 2}',
    ): "batch_num: 1 → 2 (old.json:1:15 → new.json:1:24)",
    ('{"a": {}}', '{"a": {}, "batch_num": 2}'): "batch_num: 1 → 2 (new.json:1:24)",
    ('{"a": {}, "b": {}}', '{"a": {}}'): '"b" is omitted now, and no longer quantized (old.json:1:11)',
    (
        '{"a": {}, "b": {}, "c": {}, "d": {}}',
        '{"a": {"quant_enable": false}, "b": {"quant_enable": false}, "c": {"quant_enable": false}, "d": {}}',
    ): '"a", "b" and "c" are no longer quantized (new.json:1:24 and 2 more)',
}


@pytest.mark.parametrize("pair", PLACES)
def test_a_line_ends_with_where_the_values_are(pair: tuple[str, str]) -> None:
    old, new = (
        compile_source(Source(name, text), None, CAFFE).plan
        for name, text in zip(("old.json", "new.json"), pair, strict=True)
    )
    (line,) = in_words(difference(old, new), dict.fromkeys("abcd", ""), SCHEMA)
    assert line == PLACES[pair]
