from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from quantcfg import contracts
from quantcfg.contracts.acceptance import acceptor
from tests.laws import law
from tests.output.generated import damaged_configs, good_configs

CONFIGURATION = contracts.schema("quant_config.schema.json")
LAYERS = contracts.schema("caffe_layers.json")


def values() -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Yield the schema of every value that the schemas speak of, and the schema that it is in."""
    conditions = [each[kind] for each in LAYERS["layer_types"].values() for kind in each if "able" in kind]
    conditions += [each.get("non_uniform", {}) for each in LAYERS["layer_types"].values()]
    for condition in (*conditions, *LAYERS["definitions"].values()):
        yield from ((each, LAYERS) for each in condition.get("properties", {}).values())
    for definition in (CONFIGURATION, *CONFIGURATION["definitions"].values()):
        yield definition, CONFIGURATION
        yield from ((each, CONFIGURATION) for each in definition.get("properties", {}).values())


# Those that the schemas speak of, and their neighbours, are as likely as all others together.
NUMBERS = [True, False, *(kind(number) for number in range(-1, 7) for kind in (int, float))]
SCALARS = (
    st.sampled_from([*NUMBERS, None, 0.5, 0.51, 16, 32, 1024, 4096, "AVE", "hfmg", "ifmr", "nuq_quantize"])
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
)
KEYS = st.sampled_from(["act_algo", "wts_algo", "search_range", "asymmetric", "conv1"])
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


@law(st.sampled_from(list(values())), ANYTHING, examples=1000)
def test_a_value_is_accepted_if_jsonschema_finds_it_valid(
    schema: tuple[Any, Mapping[str, Any]], value: Any
) -> None:
    part, root = schema
    whole = {**part, "definitions": root["definitions"]}
    assert acceptor(part, root)(value) == Draft7Validator(whole).is_valid(value)


@law(good_configs() | damaged_configs(), examples=250)
def test_a_configuration_is_accepted_if_jsonschema_finds_it_valid(config: dict[str, Any]) -> None:
    assert acceptor(CONFIGURATION, CONFIGURATION)(config) == Draft7Validator(CONFIGURATION).is_valid(config)


@pytest.mark.parametrize("schema", [{"pattern": "a"}, {"items": {"oneOf": []}}, {"if": {"format": "date"}}])
def test_a_keyword_that_is_not_known_is_refused_before_any_value(schema: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError, match="keywords of JSON Schema: "):
        acceptor(schema, {})
