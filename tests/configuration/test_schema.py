"""The JSON Schema of a network: it agrees with "quantcfg check --model", as far as a schema can.

What it cannot say is listed once, here and in docs/schema.md.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from quantcfg import Diagnostic, Network, Severity, check_text, compile_config, config_schema, contracts
from quantcfg.configuration import config_schema_text
from quantcfg.editions.caffe import CAFFE
from tests.editions import KnownEdition
from tests.laws import law_of_editions
from tests.networks import batch_norm, conv, inner_product, net, network, pool, relu, scale, weights
from tests.plan.generated import Case, cases

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

PUBLISHED = contracts.schema("quant_config.schema.json")

BEYOND_A_SCHEMA = {"QC411", "QC412", "QC516"}
"""A search range that does not rise, a step longer than the range, nothing quantized; and see is_float."""

NET = net(
    conv("conv1"),
    batch_norm("bn1", "conv1"),
    scale("scale1", "bn1"),
    relu("relu1", "scale1"),
    conv("conv2", "relu1", parameters="num_output: 8 kernel_size: 3 group: 2"),
    pool("pool1", "conv2", parameters="pool: MAX kernel_size: 2"),
    pool("pool5", "pool1"),
    inner_product("fc", "pool5"),
)
NETWORK = network(NET)
SCHEMA = config_schema(NETWORK)


def is_valid(config: Any, schema: dict[str, Any]) -> bool:
    """Return whether a configuration is valid, by both drafts."""
    valid, also = (each(schema).is_valid(config) for each in (Draft7Validator, Draft202012Validator))
    assert valid == also
    return bool(valid)


def is_in_order(config: Any, against: Network) -> bool:
    found = check_text(json.dumps(config), "config.json", against)
    errors = [each for each in found if each.severity is Severity.ERROR]
    return all(each.code in BEYOND_A_SCHEMA or is_float(each) for each in errors)


def is_float(error: Diagnostic) -> bool:
    """Return whether an error is about an integer that is written as 1.0."""
    return re.search(r"must be an integer, not -?[0-9]+\.0$", error.message) is not None


# --- the agreement with the check

_WEIGHTS: list[dict[str, Any]] = [
    {},
    {"wts_algo": "arq_quantize"},
    {"channel_wise": True},
    {"channel_wise": False},
    {"wts_algo": "arq_quantize", "channel_wise": True},
    {"wts_algo": "nuq_quantize"},
    {"wts_algo": "nuq_quantize", "num_steps": 16, "num_of_iteration": 0},
    {"wts_algo": "nuq_quantize", "channel_wise": False},
    {"wts_algo": "nuq", "num_steps": 16},
    {"num_steps": 16},
    {"wts_algo": "nuq_quantize", "num_steps": 16.0, "num_of_iteration": 1.0},
]
_ACTIVATIONS = st.sampled_from(
    [
        {},
        {"act_algo": "hfmg", "num_of_bins": 1024},
        {"act_algo": "hfmg", "search_step": 0.1},
        {"act_algo": "ifmr", "num_of_bins": 1024},
        {"num_of_bins": 1024},
        {"num_of_bins": 2048.0, "asymmetric": True},
        {"num_of_bins": 1024, "search_step": 0.1},
        {"search_range": [1.3, 0.7], "search_step": 5},
        {"search_range": [0.7, 1.3, 1.4]},
        {"max_percentile": 0.5},
    ]
)
_BODIES = st.fixed_dictionaries(
    {},
    optional={
        "quant_enable": st.booleans() | st.just(1),
        "activation_quant_params": _ACTIVATIONS,
        "weight_quant_params": st.sampled_from(_WEIGHTS),
        "num_bits": st.just(8),
    },
)
_VALUES: Any = st.sampled_from([None, True, False, 0, 1, 1.0, "", "hfmg", "nuq_quantize", [], {}, [1, "1"]])


@st.composite
def networks_and_configs(draw: DrawFn, edition: KnownEdition) -> tuple[Network, dict[str, Any]]:
    """A network and a configuration that was compiled for it, or written or damaged by hand."""
    against = draw(edition.networks).read()
    config: dict[str, Any] = copy.deepcopy(compile_config(against).config or {})
    names = st.sampled_from([*against.by_name, *against.by_name, "nowhere", "$schema", "batch_num"])
    for _ in range(draw(st.integers(0, 3))):
        change = draw(st.sampled_from(["layer", "layer", "fusion", "replace", "remove"]))
        places = list(_places(config))
        if change == "layer":
            config[draw(names)] = draw(_BODIES)
        elif change == "fusion":
            config["skip_fusion_layers"] = draw(st.lists(names, max_size=3))
        elif places:
            container, key = draw(st.sampled_from(places))
            if change == "replace":
                container[key] = draw(_VALUES)
            else:
                del container[key]
    return against, config


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def networks_of(edition: KnownEdition) -> SearchStrategy[Network]:
    return edition.networks.map(lambda generated: generated.read())


@law_of_editions(networks_and_configs, examples=100)
def test_the_schema_of_a_network_takes_what_the_check_takes(drawn: tuple[Network, dict[str, Any]]) -> None:
    against, config = drawn
    assert is_valid(config, config_schema(against)) == is_in_order(config, against)


@law_of_editions(networks_of, examples=40)
def test_for_every_layer_the_schema_takes_the_weights_that_the_check_takes(against: Network) -> None:
    schema = config_schema(against)
    for name in against.by_name:
        for weight in _WEIGHTS:
            config = {name: {"weight_quant_params": weight}}
            assert is_valid(config, schema) == is_in_order(config, against)


@law_of_editions(cases, examples=80)
def test_what_is_compiled_for_a_network_is_valid_by_its_schema(case: Case) -> None:
    if case.request.config_text is None:
        return
    against = case.network.read()
    config = compile_config(against, config_text=case.request.config_text).config
    if config:
        assert is_valid(config, config_schema(against))


@law_of_editions(networks_of, examples=40)
def test_the_schema_of_a_network_is_one_by_both_drafts(against: Network) -> None:
    schema = config_schema(against)
    for validator in (Draft7Validator, Draft202012Validator):
        validator.check_schema(schema)


REFUSED: dict[str, dict[str, Any]] = {
    "a layer that is not there": {"conv9": {}},
    "a layer of another type": {"relu1": {}},
    "a layer that cannot be quantized": {"pool1": {}},
    "a flag that the type cannot have": {"fc": {"weight_quant_params": {"channel_wise": True}}},
    "nuq for a type": {"pool5": {"weight_quant_params": {"wts_algo": "nuq_quantize"}}},
    "nuq for groups": {"conv2": {"weight_quant_params": {"wts_algo": "nuq_quantize"}}},
    "a layer without fusion that is not there": {"skip_fusion_layers": ["conv9"]},
    "a layer without fusion of another type": {"skip_fusion_layers": ["bn1"]},
}
TAKEN: dict[str, dict[str, Any]] = {
    "a flag of a convolution": {"conv2": {"weight_quant_params": {"channel_wise": True}}},
    "nuq": {"conv1": {"weight_quant_params": {"wts_algo": "nuq_quantize", "num_steps": 16}}},
    "layers without fusion": {"skip_fusion_layers": ["conv1", "fc"]},
}


@pytest.mark.parametrize("name", REFUSED)
def test_only_the_schema_of_the_network_refuses_what_the_network_cannot_have(name: str) -> None:
    config = {"conv1": {}, **REFUSED[name]}
    assert is_valid(config, PUBLISHED)
    assert not is_valid(config, SCHEMA)
    assert not is_in_order(config, NETWORK)


@pytest.mark.parametrize("name", TAKEN)
def test_the_schema_of_the_network_takes_what_the_network_can_have(name: str) -> None:
    config = {"conv1": {}, **TAKEN[name]}
    assert is_valid(config, SCHEMA)
    assert is_in_order(config, NETWORK)


@pytest.mark.parametrize(
    "config",
    [
        {"conv1": {"activation_quant_params": {"search_range": [1.3, 0.7]}}},
        {"conv1": {"activation_quant_params": {"search_step": 0.7}}},
        {"conv1": {"quant_enable": False}},
    ],
)
def test_what_no_schema_can_say_is_left_to_the_check(config: dict[str, Any]) -> None:
    assert is_valid(config, SCHEMA)
    codes = {each.code for each in check_text(json.dumps(config), "config.json", NETWORK)}
    assert codes & BEYOND_A_SCHEMA


def test_a_network_without_layers_to_fold_into_has_none_to_except() -> None:
    schema = config_schema(network(pool("pool5")))
    assert is_valid({"skip_fusion_layers": []}, schema)
    assert not is_valid({"skip_fusion_layers": ["pool5"]}, schema)


# --- what it says


def test_every_layer_is_described_by_its_type_and_what_is_known_of_it() -> None:
    shapes = weights({"conv1": (8, 3, 3, 3)})
    properties = config_schema(network(net(conv("conv1"), batch_norm("bn1", "conv1")), shapes))["properties"]
    assert properties["conv1"]["description"].startswith("Convolution, weights 8x3x3x3")
    assert SCHEMA["properties"]["conv1"]["description"] == 'Convolution, fused with "bn1" and "scale1"'
    assert SCHEMA["properties"]["fc"]["description"] == "InnerProduct"
    assert SCHEMA["properties"]["relu1"]["errorMessage"] == (
        'layer "relu1" cannot be quantized: type ReLU is not supported'
    )


def test_layers_with_the_same_rules_share_a_definition() -> None:
    def size(count: int) -> int:
        return len(
            config_schema_text(network(net(*(conv(f"conv{1000 + index}") for index in range(count)))), CAFFE)
        )

    assert size(300) - size(200) == size(200) - size(100)
    assert len(config_schema(network(net(conv("a"), conv("b"))))["definitions"]) == len(
        config_schema(network(conv("a")))["definitions"]
    )


def test_every_definition_of_a_schema_is_referred_to() -> None:
    text = json.dumps(SCHEMA)
    assert [name for name in SCHEMA["definitions"] if f'"#/definitions/{name}"' not in text] == []


def test_the_schema_without_a_network_is_the_published_one() -> None:
    assert config_schema() == PUBLISHED
    assert json.loads(config_schema_text(None, CAFFE)) == PUBLISHED


def test_who_changes_a_schema_changes_no_other() -> None:
    config_schema()["properties"].clear()
    config_schema(NETWORK)["definitions"]["ifmr"].clear()
    assert config_schema() == PUBLISHED
    assert config_schema(NETWORK) == SCHEMA


def test_the_text_is_ascii_whatever_the_names_are() -> None:
    named = network(conv("größe"))
    assert config_schema_text(None, CAFFE).isascii()
    assert config_schema_text(named, CAFFE).isascii()
    assert json.loads(config_schema_text(named, CAFFE)) == config_schema(named)
