"""A binary file has elements instead of lines: every format names the element, and shows no text."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from quantcfg.diagnostics import Diagnostic, Related, Severity
from quantcfg.diagnostics.formats import render_all
from quantcfg.lsp.conversion import Conversion
from quantcfg.provenance import words
from quantcfg.source import Source, Span

NODES = Source("net.onnx", 'node 0, Conv "conv1"\nnode 1, Conv ""\nnode 2, Conv "conv1"', is_binary=True)
FIRST, _, LAST = (Span(NODES, *NODES.line_bounds(number)) for number in (1, 2, 3))
FOUND = [
    Diagnostic("QC305", Severity.ERROR, "wrong", LAST, (Related(FIRST, "first used here"),), "rename it"),
]

EXPECTED: Mapping[str, str] = {
    "text": (
        'net.onnx: node 2, Conv "conv1": error[QC305]: wrong\n'
        'net.onnx: node 0, Conv "conv1": note: first used here\n'
        "  = help: rename it"
    ),
    "concise": 'net.onnx: node 2, Conv "conv1": error[QC305]: wrong',
    "github": '::error title=quantcfg QC305,file=net.onnx::node 2, Conv "conv1"; wrong; rename it',
}


@pytest.mark.parametrize("name", EXPECTED)
def test_text_names_the_element(name: str) -> None:
    assert render_all(name, FOUND) == EXPECTED[name]


def test_json_names_the_element() -> None:
    (shown,) = json.loads(render_all("json", FOUND))["diagnostics"]
    location = {"file": "net.onnx", "start": None, "end": None}
    assert location | {"element": 'node 2, Conv "conv1"'} == {
        key: shown[key] for key in (*location, "element")
    }
    assert shown["related"] == [{"message": "first used here", **location, "element": 'node 0, Conv "conv1"'}]


def test_sarif_names_the_element() -> None:
    (run,) = json.loads(render_all("sarif", FOUND))["runs"]
    (result,) = run["results"]
    file = {"artifactLocation": {"uri": "net.onnx"}}
    assert result["locations"] == [
        {"physicalLocation": file, "logicalLocations": [{"fullyQualifiedName": 'node 2, Conv "conv1"'}]}
    ]
    (related,) = result["relatedLocations"]
    assert related["logicalLocations"] == [{"fullyQualifiedName": 'node 0, Conv "conv1"'}]


def test_an_editor_is_sent_to_the_start_of_the_file() -> None:
    shown = Conversion("utf-16").diagnostic(FOUND[0])
    assert (shown.range.start.line, shown.range.start.character, shown.range.end.line) == (0, 0, 0)
    assert shown.related_information
    assert shown.related_information[0].message == 'node 0, Conv "conv1": first used here'


def test_an_origin_in_a_binary_file_names_the_element() -> None:
    assert words.at(LAST) == ' (net.onnx: node 2, Conv "conv1")'
