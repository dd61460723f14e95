from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import strategies as st

from quantcfg import compile_config
from quantcfg.emit import Configuration, emit
from tests.laws import law_of_editions
from tests.networks import conv, net, network, pool
from tests.output.generated import good_configs
from tests.plan.compiling import compiled

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@law_of_editions(lambda edition: good_configs(edition) | st.dictionaries(st.text(), ANYTHING))
def test_the_text_has_the_layout_that_amct_gives_it(config: dict[str, Any]) -> None:
    assert Configuration(config).text == json.dumps(config, indent=4, separators=(",", ":"))


@law_of_editions(good_configs)
def test_the_text_is_ascii_without_a_final_newline_and_reads_back_to_the_same(config: dict[str, Any]) -> None:
    text = Configuration(config).text
    assert text.isascii()
    assert text[-1] == "}"
    assert list(json.loads(text).items()) == list(config.items())


def test_floats_flags_names_and_empty_lists_are_written_as_in_the_reference() -> None:
    values = {"a": [0.01, 1.0, 1e-05, 1e10], "b": True, "größe": [], "c": {}}
    assert Configuration(values).text == (
        '{\n    "a":[\n        0.01,\n        1.0,\n        1e-05,\n        10000000000.0\n    ],\n'
        '    "b":true,\n    "gr\\u00f6\\u00dfe":[],\n    "c":{}\n}'
    )


def test_the_keys_of_the_network_come_first_and_then_the_layers_by_name() -> None:
    names = ["conv2", "conv10", "b", "A", "层", "Zoe", "é", "\U0001f600"]
    config = compile_config(network(net(*(conv(name) for name in names)))).config
    assert config
    assert list(config) == [
        *("version", "batch_num", "activation_offset", "joint_quant", "do_fusion", "skip_fusion_layers"),
        *("A", "Zoe", "b", "conv10", "conv2", "é", "层", "\U0001f600"),
    ]


IFMR = ["max_percentile", "min_percentile", "search_range", "search_step", "act_algo", "asymmetric"]
HFMG = ["act_algo", "num_of_bins", "asymmetric"]
ARQ = ["wts_algo", "channel_wise"]
NUQ = ["wts_algo", "num_steps", "num_of_iteration"]


@pytest.mark.parametrize(
    ("calibration", "activation", "weight"),
    [
        ("", IFMR, ARQ),
        ("arq_quantize { } ifmr_quantize { asymmetric: true search_step: 0.02 }", IFMR, ARQ),
        ("hfmg_quantize { asymmetric: true } nuq_quantize { num_of_iteration: 2 }", HFMG, NUQ),
    ],
)
def test_the_keys_of_a_layer_are_in_the_documented_order(
    calibration: str, activation: list[str], weight: list[str]
) -> None:
    config = compiled(conv("conv1"), f"common_config {{ {calibration} }}").config
    assert config
    assert list(config["conv1"]) == ["quant_enable", "activation_quant_params", "weight_quant_params"]
    assert list(config["conv1"]["activation_quant_params"]) == activation
    assert list(config["conv1"]["weight_quant_params"]) == weight


def test_a_layer_does_not_take_the_place_of_a_key_that_it_is_named_like() -> None:
    compilation = compiled(net(pool("version"), pool("do_fusion")), "")
    assert compilation.plan
    config = emit(compilation.plan).config
    assert (config["version"], config["do_fusion"]) == (1, True)
