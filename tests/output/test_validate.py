from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.exceptions import ValidationError

from quantcfg.editions.caffe import CAFFE
from quantcfg.emit import Configuration, schema_errors
from quantcfg.network import ConfigSchema
from tests.editions import KnownEdition
from tests.laws import law_of_editions
from tests.networks import conv, net
from tests.output.generated import any_configs, damaged_configs, good_configs
from tests.plan.compiling import compiled, findings

Failure = tuple[str, tuple[str | int, ...], str]


def failures(errors: Iterable[ValidationError], config: dict[str, Any], schema: ConfigSchema) -> set[Failure]:
    """Return what fails: a key of the network, or the body of a layer, whatever the layer is named."""
    return {failure(error, config, schema) for error in errors}


def failure(error: ValidationError, config: dict[str, Any], schema: ConfigSchema) -> Failure:
    name, *path = error.absolute_path
    body = str(name) if name in schema.document["properties"] else json.dumps(config[str(name)])
    return body, tuple(path), str(error.validator)


@law_of_editions(st.just, any_configs, examples=150)
def test_checking_each_distinct_body_once_finds_what_checking_all_finds(
    known: KnownEdition, config: dict[str, Any]
) -> None:
    schema = known.edition.schema
    all_errors = Draft7Validator(schema.document).iter_errors(config)
    alike = Configuration(config).alike(apart=schema.global_keys)
    distinct = {keys[0]: config[keys[0]] for keys in alike}
    found = failures(schema_errors(distinct, schema), config, schema)
    assert found == failures(all_errors, config, schema)


@law_of_editions(st.just, good_configs)
def test_a_configuration_in_order_has_no_errors(known: KnownEdition, config: dict[str, Any]) -> None:
    assert not list(schema_errors(config, known.edition.schema))


@law_of_editions(st.just, damaged_configs)
def test_both_drafts_read_the_schema_alike(known: KnownEdition, config: dict[str, Any]) -> None:
    schema = known.edition.schema
    old, new = (
        validator(schema.document).iter_errors(config)
        for validator in (Draft7Validator, Draft202012Validator)
    )
    assert failures(old, config, schema) == failures(new, config, schema)


def test_values_that_python_treats_as_equal_are_distinguished() -> None:
    layer = {"quant_enable": True}
    for wrong in (1, 1.0):
        (error,) = schema_errors({"a": layer, "b": {"quant_enable": wrong}}, CAFFE.schema)
        assert list(error.absolute_path) == ["b", "quant_enable"]


@pytest.mark.parametrize("count", [1, 2, 500])
def test_a_wrong_value_is_reported_once_however_many_layers_have_it(count: int) -> None:
    layers = net(*(conv(f"conv{index}") for index in range(count)))
    compilation = compiled(layers, "common_config { hfmg_quantize { num_of_bins: 1 } }")
    assert findings(compilation) == ["QC501 1:46"]


def test_equal_wrong_values_in_two_places_are_reported_in_both() -> None:
    text = "\n".join(
        f'override_layer_configs {{ layer_name: "{name}"\n'
        " calibration_config { hfmg_quantize { num_of_bins: 1 } } }"
        for name in ("conv1", "conv2")
    )
    compilation = compiled(net(conv("conv1"), conv("conv2")), text)
    assert findings(compilation) == ["QC501 2:52", "QC501 4:52"]
