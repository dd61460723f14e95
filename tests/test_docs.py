"""The pages for users agree with the contracts."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from quantcfg import contracts
from quantcfg.cli import main

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "quant-cfg.md").read_text(encoding="utf-8")
CONFIG = contracts.message_class("calibration_config_caffe", "amct_caffe.AMCTConfig").DESCRIPTOR
SCHEMA = contracts.schema("quant_config.schema.json")


_COMMANDS = re.compile(r"^```console\n(\$ quantcfg.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^\$ quantcfg (?P<line>.*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_the_shown_commands_print_what_is_shown(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    for block in _COMMANDS.findall((ROOT / "docs" / name).read_text(encoding="utf-8")):
        for command in _COMMAND.finditer(block):
            main(shlex.split(command["line"]))
            output = capsys.readouterr()
            assert output.out + output.err == command["output"]


def fields(descriptor: Any) -> set[str]:
    """Return the names of all fields of a message and of the messages in it."""
    names = set()
    for field in descriptor.fields:
        names.add(field.name)
        if field.message_type is not None:
            names |= fields(field.message_type)
    return names


def row(field: str) -> str:
    (found,) = re.findall(rf"^\|.*`{field}`.*\|$", PAGE, re.MULTILINE)
    return str(found)


def test_every_field_of_a_quant_cfg_is_explained() -> None:
    assert {name for name in fields(CONFIG) if f"`{name}`" not in PAGE} == set()


@pytest.mark.parametrize("key", ["batch_num", "activation_offset", "joint_quant", "do_fusion"])
def test_a_default_for_the_network_is_the_schemas(key: str) -> None:
    assert json.dumps(SCHEMA["properties"][key]["default"]) in row(key).replace("`", "")


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("ifmr", "search_step"),
        ("ifmr", "max_percentile"),
        ("ifmr", "min_percentile"),
        ("hfmg", "num_of_bins"),
        ("nuq_quantize", "num_steps"),
        ("nuq_quantize", "num_of_iteration"),
    ],
)
def test_a_default_and_the_values_of_an_algorithm_are_the_schemas(algorithm: str, key: str) -> None:
    known = SCHEMA["definitions"][algorithm]["properties"][key]
    cells = [cell.strip() for cell in row(key).strip("|").split("|")]
    assert cells[-1] == str(known["default"])
    limits = known.get("enum") or [
        known[limit] for limit in ("exclusiveMinimum", "minimum", "maximum") if limit in known
    ]
    shown = set(re.findall(r"[\d.]*\d", cells[-2]))
    assert {str(limits[0]), str(limits[-1])} <= shown


def test_the_ends_of_the_search_range_have_the_schemas_defaults() -> None:
    start, end = SCHEMA["definitions"]["ifmr"]["properties"]["search_range"]["default"]
    assert row("search_range_start").endswith(f"| {start} |")
    assert row("search_range_end").endswith(f"| {end} |")


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.name
)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https:)([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
