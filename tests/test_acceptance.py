from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from quantcfg.contracts.acceptance import acceptor
from tests.editions import EDITIONS, KnownEdition
from tests.laws import law, law_of_editions
from tests.output.generated import any_configs


def values() -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Yield the schema of every value that the schemas speak of, and the schema that it is in."""
    for known in EDITIONS.values():
        layers, configuration = known.edition.layer_types.contract, known.edition.schema.document
        conditions = [
            each[kind] for each in layers["layer_types"].values() for kind in each if kind != "channel_wise"
        ]
        for condition in (*conditions, *layers["definitions"].values()):
            if isinstance(condition, dict):
                yield from ((each, layers) for each in condition.get("properties", {}).values())
        for definition in (configuration, *configuration["definitions"].values()):
            yield definition, configuration
            yield from ((each, configuration) for each in definition.get("properties", {}).values())


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


@law(st.sampled_from(list(values())), ANYTHING, examples=400)
def test_a_value_is_accepted_if_jsonschema_finds_it_valid(
    schema: tuple[Any, Mapping[str, Any]], value: Any
) -> None:
    part, root = schema
    whole = {**part, "definitions": root["definitions"]}
    assert acceptor(part, root)(value) == Draft7Validator(whole).is_valid(value)


@law_of_editions(st.just, any_configs, examples=250)
def test_a_configuration_is_accepted_if_jsonschema_finds_it_valid(
    known: KnownEdition, config: dict[str, Any]
) -> None:
    schema = known.edition.schema.document
    assert acceptor(schema, schema)(config) == Draft7Validator(schema).is_valid(config)


@pytest.mark.parametrize("schema", [{"pattern": "a"}, {"items": {"oneOf": []}}, {"if": {"format": "date"}}])
def test_a_keyword_that_is_not_known_is_refused_before_any_value(schema: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError, match="keywords of JSON Schema: "):
        acceptor(schema, {})
