"""The contracts agree with one another and with the files generated from them."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from grammar import tables
from quantcfg import contracts
from quantcfg.contracts.config_schema import ACTIVATION_ALGORITHM, WEIGHT_ALGORITHM
from quantcfg.editions.caffe import CAFFE
from quantcfg.editions.onnx import ONNX
from quantcfg.network import Edition
from quantcfg.textproto.scalars import shortest_decimal
from tests import protos

ROOT = Path(__file__).parents[1]

EDITIONS = [pytest.param(edition, id=edition.name) for edition in (CAFFE, ONNX)]
SCHEMAS = [pytest.param(edition.schema.document, id=edition.name) for edition in (CAFFE, ONNX)]

ALGORITHMS = {
    "ARQuantize": "arq_quantize",
    "NUQuantize": "nuq_quantize",
    "FMRQuantize": "ifmr",
    "HFMGQuantize": "hfmg",
}
"""The name of the algorithm of a message in the configuration."""


def defaults_of_message(message: Any) -> dict[str, Any]:
    """Return the fields of a message, with their defaults in the .proto file."""
    return {
        field.name: default_of(field) if field.has_default_value else None
        for field in message.fields
        if field.message_type is None and not field.is_repeated
    }


def descriptor_of(edition: Edition) -> Any:
    """Return the descriptor of protobuf for the message of a request."""
    return contracts.message_class(edition.request.file, edition.request.name).DESCRIPTOR


def default_of(field: Any) -> Any:
    value = field.default_value
    if field.enum_type:
        return field.enum_type.values_by_number[value].name
    return shortest_decimal(value) if isinstance(value, float) else value


def defaults_of_algorithm(name: str, edition: Edition) -> dict[str, Any]:
    """Return the fields that give an algorithm its values, with the defaults of the JSON Schema."""
    return {
        setting: next((word for word, value in parameter.values.items() if value == default), default)
        for parameter in edition.schema.parameters(name)
        if parameter.key not in (ACTIVATION_ALGORITHM, WEIGHT_ALGORITHM)
        for setting, default in zip(
            parameter.settings, parameter.defaults or (None,) * len(parameter.settings), strict=True
        )
    }


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("message", ALGORITHMS)
def test_an_algorithm_has_the_same_fields_and_defaults_in_the_proto_and_in_the_schema(
    message: str, edition: Edition
) -> None:
    descriptor = descriptor_of(edition).file.message_types_by_name[message]
    given, written = defaults_of_message(descriptor), defaults_of_algorithm(ALGORITHMS[message], edition)
    if edition is ONNX and message == "NUQuantize":
        assert written.pop("num_bits") == 8  # No field sets it.
    assert given == written
    assert {name: type(value) for name, value in given.items()} == {
        name: type(value) for name, value in written.items()
    }


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_settings_of_the_network_have_the_same_defaults_in_the_proto_and_in_the_schema(
    edition: Edition,
) -> None:
    given = defaults_of_message(descriptor_of(edition))
    written = {key: known.get("default") for key, known in edition.schema.global_keys.items()}
    assert given.items() <= written.items()
    # The version cannot be set, and a list has no default in a .proto file.
    lists = {"skip_fusion_layers", "tensor_quantize"} & edition.request.descriptor.fields.keys()
    assert written.keys() - given.keys() == {"version", *lists}


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_algorithm_of_a_calibration_is_one_of_the_schema(edition: Edition) -> None:
    oneofs = descriptor_of(edition).file.message_types_by_name["CalibrationConfig"].oneofs_by_name
    for oneof, definition, key in [
        ("wts_quant_algo", "weight", WEIGHT_ALGORITHM),
        ("acts_quant_algo", "activation", ACTIVATION_ALGORITHM),
    ]:
        names = [ALGORITHMS[field.message_type.name] for field in oneofs[oneof].fields if field.message_type]
        assert names == edition.schema.definitions[definition]["properties"][key]["enum"]


@pytest.mark.parametrize("edition", EDITIONS)
def test_an_algorithm_is_called_in_the_schema_as_its_key_says_by_default(edition: Edition) -> None:
    for name in ALGORITHMS.values():
        properties = edition.schema.definitions[name]["properties"]
        assert [known["default"] for key, known in properties.items() if key.endswith("_algo")] == [name]


def test_the_fields_that_not_every_edition_has_are_those_of_the_messages() -> None:
    listed = contracts.schema("foreign_fields.json")["fields"]
    fields = {edition.name: fields_of(edition) for edition in (CAFFE, ONNX)}
    everywhere = set.intersection(*fields.values())
    for name, own in fields.items():
        given = {field for field, known in listed.items() if name in known["owners"]}
        assert given == own - everywhere - INSIDE


INSIDE = {"input_index", "migration_strength"}
"""Fields of messages that not every edition has: the field that holds the message is listed."""


def fields_of(edition: Edition) -> set[str]:
    messages = descriptor_of(edition).file.message_types_by_name.values()
    return {field.name for message in messages for field in message.fields}


def test_the_keys_that_not_every_edition_has_are_those_of_the_schemas() -> None:
    listed = contracts.schema("foreign_fields.json")["keys"]
    keys = {edition.name: keys_of(edition) for edition in (CAFFE, ONNX)}
    everywhere = set.intersection(*keys.values())
    for name, own in keys.items():
        given = {key for key, editions in listed.items() if name in editions}
        assert given == own - everywhere - {"layer_name", "input_index"}


def keys_of(edition: Edition) -> set[str]:
    owners = (edition.schema.document, *edition.schema.definitions.values())
    return {key for owner in owners for key in owner.get("properties", {})}


# --- the .proto files and their compiled forms


@pytest.mark.parametrize("proto", sorted((ROOT / "proto").glob("*.proto")), ids=lambda path: path.stem)
def test_the_compiled_form_of_a_proto_file_is_up_to_date(proto: Path) -> None:
    for suffix, content in protos.compiled(proto).items():
        assert proto.with_suffix(suffix).read_bytes() == content, 'run "make proto"'


@pytest.mark.parametrize("suffix", ["binpb", "json"])
def test_there_is_a_proto_file_for_every_compiled_form(suffix: str) -> None:
    stems = {path.stem for path in (ROOT / "proto").glob("*.proto")}
    assert {path.stem for path in (ROOT / "proto").glob(f"*.{suffix}")} == stems


# --- the grammar and its compiled form


def test_the_compiled_form_of_the_grammar_is_up_to_date() -> None:
    text = (ROOT / "grammar" / "textproto.json").read_text(encoding="utf-8")
    assert text == tables.as_json(tables.parse_table()), 'run "make grammar"'


# --- the JSON files


@pytest.mark.parametrize("file", sorted((ROOT / "schemas").glob("*.json")), ids=lambda path: path.stem)
def test_a_json_file_parses_and_says_nothing_twice(file: Path) -> None:
    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), pairs
        return dict(pairs)

    assert json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=distinct)


@pytest.mark.parametrize("file", sorted((ROOT / "schemas").glob("*.schema.json")), ids=lambda path: path.stem)
def test_a_schema_is_one_by_both_drafts(file: Path) -> None:
    schema = json.loads(file.read_text(encoding="utf-8"))
    for validator in (Draft7Validator, Draft202012Validator):
        validator.check_schema(schema)
    assert schema["$id"].endswith(f":{file.name.removesuffix('.schema.json')}:v1")


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_key_of_the_configuration_is_described(edition: Edition) -> None:
    definitions = edition.schema.definitions
    # An algorithm's own name is described where it is chosen.
    keys = {
        (name, key): known
        for name, definition in {"": edition.schema.document, **definitions}.items()
        for key, known in definition.get("properties", {}).items()
        if not (key.endswith("_algo") and name in ALGORITHMS.values())
    }
    for known in keys.values():
        described = definitions[known["$ref"].rpartition("/")[2]] if "$ref" in known else known
        assert described["title"]
        assert described["description"]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_default_and_example_of_the_schema_is_valid(schema: dict[str, Any]) -> None:
    described = [*schema["properties"].values()]
    described += [
        known for each in schema["definitions"].values() for known in each.get("properties", {}).values()
    ]
    for known in described:
        values = [*known.get("examples", []), *([known["default"]] if "default" in known else [])]
        for value in values:
            Draft7Validator({**known, "definitions": schema["definitions"]}).validate(value)


OWN_KEYWORDS = {
    "completionDetail",
    "defaultSnippets",
    "doNotSuggest",
    "enumDescriptions",
    "errorMessage",
    "markdownDescription",
    "quantCfg",
}
"""Keywords of VS Code and quantcfg, which validators ignore."""


def described(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema in a schema, itself first."""
    yield schema
    groups = (schema.get(key, {}).values() for key in ("properties", "definitions"))
    alone = (schema[key] for key in ("items", "if", "then", "else") if key in schema)
    for each in (*chain.from_iterable(groups), *alone):
        yield from described(each)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_what_can_be_chosen_is_described_with_a_recommendation(schema: dict[str, Any]) -> None:
    network, layer = schema["properties"], schema["definitions"]["layer"]["properties"]
    algorithms = [
        known
        for name in ("activation", "weight", *ALGORITHMS.values())
        for known in schema["definitions"][name]["properties"].values()
    ]
    for known in [*network.values(), *layer.values(), *algorithms]:
        if known.keys() & {"type", "enum"} and known.get("const") is None:
            assert "Recommended: " in known["description"]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_recommended_number_is_the_default(schema: dict[str, Any]) -> None:
    for known in described(schema):
        recommended = re.search(r"Recommended: (\[.*?\]|[\d.]*\d)", known.get("description", ""))
        if recommended:
            assert json.loads(recommended[1]) == known["default"]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_value_that_can_be_chosen_from_few_is_described(schema: dict[str, Any]) -> None:
    for known in described(schema):
        if "enumDescriptions" in known:
            assert len(known["enumDescriptions"]) == len(known["enum"])
    for name, key in [("activation", "act_algo"), ("weight", "wts_algo"), ("hfmg", "num_of_bins")]:
        assert "enumDescriptions" in schema["definitions"][name]["properties"][key]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_markdown_says_what_is_said_without_it_and_names_every_parameter(schema: dict[str, Any]) -> None:
    for known in described(schema):
        if "markdownDescription" in known:
            assert known["markdownDescription"].startswith(known["description"])
    for name, selector in [("activation", "act_algo"), ("weight", "wts_algo")]:
        definition = schema["definitions"][name]
        lines = definition["markdownDescription"].splitlines()[2:]
        assert [re.findall("`(.*?)`", line) for line in lines] == [
            [each, *(key for key in schema["definitions"][each]["properties"] if key != selector)]
            for each in definition["properties"][selector]["enum"]
        ]


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("name", ["layer", "activation", "weight"])
def test_what_an_editor_puts_in_is_valid_and_says_the_defaults(name: str, schema: dict[str, Any]) -> None:
    definition = schema["definitions"][name]
    validator = Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": schema["definitions"]})
    for snippet in definition["defaultSnippets"]:
        body = resolved(snippet["body"])
        validator.validate(body)
        algorithm = next((value for key, value in body.items() if key.endswith("_algo")), None)
        properties = schema["definitions"][algorithm]["properties"] if algorithm else {}
        assert all(body[key] == properties[key]["default"] for key in body.keys() & properties.keys())


def resolved(body: Any) -> Any:
    """Return the body of a snippet with the first choice at each tab stop."""
    if isinstance(body, dict):
        return {key: resolved(value) for key, value in body.items()}
    if isinstance(body, list):
        return [resolved(value) for value in body]
    place = re.fullmatch(r"\^\$\{\d+(?::|\|)([^,|}]*).*\}", body) if isinstance(body, str) else None
    return json.loads(place[1]) if place else body


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_keywords_of_no_validator_are_those_that_are_documented(schema: dict[str, Any]) -> None:
    known = Draft7Validator.META_SCHEMA["properties"].keys()
    assert {key for each in described(schema) for key in each} - known <= OWN_KEYWORDS
    listed = re.findall(
        r"^\| `(\w+)` \|", (ROOT / "docs" / "schema.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert set(listed) == OWN_KEYWORDS


# --- the packages


def test_the_packages_of_the_project_are_the_folders_of_the_tree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    code = {
        ".".join(file.parent.relative_to(ROOT / "compiler").parts)
        for file in (ROOT / "compiler").rglob("__init__.py")
    }
    # A folder of data is a package so that it can be found; the grammar's has its compiler as well.
    data = {
        str(file.parent.relative_to(ROOT))
        for pattern in ("*/__init__.py", "docs/*/__init__.py")
        for file in ROOT.glob(pattern)
        if {each.stem for each in file.parent.glob("*.py")} <= {"__init__", "tables"}
    }
    mapped = {name: folder for name, folder in project["package-dir"].items() if name}
    assert sorted(mapped.values()) == sorted(data)
    assert sorted(project["packages"]) == sorted(code | mapped.keys())


def test_every_folder_with_code_is_a_package() -> None:
    folders = {file.parent for file in (ROOT / "compiler" / "quantcfg").rglob("*.py")}
    assert all((folder / "__init__.py").exists() for folder in folders)


@pytest.mark.parametrize("edition", EDITIONS)
def test_only_fields_at_the_top_level_of_a_request_are_deprecated(edition: Edition) -> None:
    """The language server looks for them only there."""
    request = edition.request.descriptor
    waiting, seen = [each.message for each in request.fields.values()], {request}
    while waiting:
        message = waiting.pop()
        if message and message not in seen:
            seen.add(message)
            assert [each.name for each in message.fields.values() if each.is_deprecated] == []
            waiting += [each.message for each in message.fields.values()]
    assert len(seen) > 1
