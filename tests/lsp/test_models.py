"""Which model a document is for, and when it is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from quantcfg.diagnostics import Diagnostic
from quantcfg.lsp.document import Document, all_diagnostics
from quantcfg.lsp.models import model_for, read_model
from quantcfg.project import Named
from quantcfg.source import Source
from tests.networks import conv, net

NET = net(conv("conv1"))


def named(folder: Path, text: str, **settings: object) -> list[str | None] | None:
    """Return the model and the weights of a document in a directory, relative to it."""
    wrong: list[Diagnostic] = []
    found = model_for(Source(str(folder / "quant.cfg"), text), settings, str(folder), wrong.append)
    assert not wrong
    if found is None:
        return None
    return [file and os.path.relpath(file, folder) for file in (found.model, found.weights)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# quantcfg-model: net.prototxt\n", ["net.prototxt", None]),
        ("\n# A request.\n#quantcfg-model:   a net.prototxt  \r\nbatch_num: 1", ["a net.prototxt", None]),
        ("# quantcfg-weights: w\n# quantcfg-model: ../net.prototxt", ["../net.prototxt", "w"]),
        ("batch_num: 1\n# quantcfg-model: net.prototxt\n", None),
        ("# quantcfg-weights: net.caffemodel\n", None),
        ("# quantcfg-model:\n", None),
        ("", None),
    ],
)
def test_a_file_names_its_model_at_its_top(tmp_path: Path, text: str, expected: list[str] | None) -> None:
    assert named(tmp_path, text) == expected


def test_the_nearest_settings_around_it_name_the_model(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "quantcfg.toml").write_text('model = "net.prototxt"\nweights = "net.caffemodel"\n')
    assert named(inner, "") == ["../../net.prototxt", "../../net.caffemodel"]
    (tmp_path / "a" / "quantcfg.toml").write_text('model = "other.prototxt"\n')
    assert named(inner, "") == ["../other.prototxt", None]
    assert named(inner, "# quantcfg-model: own.prototxt") == ["own.prototxt", None]
    (tmp_path / "a" / "quantcfg.toml").write_text('model = "other.prototxt"\nconfig = "b/quant.cfg"\n')
    found = model_for(Source(str(inner / "config.json"), "{}"), {}, None, print)
    assert found
    assert found.config == str(inner / "quant.cfg")
    assert named(inner, "", model="client.prototxt") == ["../other.prototxt", None]


def test_the_client_names_the_model_last(tmp_path: Path) -> None:
    assert named(tmp_path, "", model="m", weights="w") == ["m", "w"]
    assert named(tmp_path, "", model="", weights="w") is None


@pytest.mark.parametrize("text", ["model = ", "model = 1"])
def test_where_settings_are_wrong_those_of_the_client_do_not_count(tmp_path: Path, text: str) -> None:
    (tmp_path / "quantcfg.toml").write_text(text)
    found: list[Diagnostic] = []
    source = Source(str(tmp_path / "quant.cfg"), "")
    assert model_for(source, {"model": "net.prototxt"}, None, found.append) is None
    assert [each.span and each.span.source.name for each in found] == [str(tmp_path / "quantcfg.toml")]


def test_a_model_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(NET)
    model = Named(str(path))
    first = read_model(model, {}, None)
    assert first.network
    assert read_model(model, {}, first) is first
    path.write_text(conv("another"))
    second = read_model(model, {}, first)
    assert second.network
    assert list(second.network.by_name) == ["another"]


def test_the_text_that_is_open_counts_not_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(NET)
    model = read_model(Named(str(path)), {str(path): conv("unsaved")}, None)
    assert model.network
    assert list(model.network.by_name) == ["unsaved"]
    assert read_model(Named(str(path)), {str(path): conv("unsaved")}, model) is model
    assert read_model(Named(str(path)), {}, model) is not model


def test_a_model_that_cannot_be_read_is_reported_where_it_is_named(tmp_path: Path) -> None:
    source = Source(str(tmp_path / "quant.cfg"), "# quantcfg-model: nothing.prototxt\nbatch_num: 0\n")
    model = model_for(source, {}, None, print)
    assert model
    found = all_diagnostics(Document(source, read_model(model, {}, None)))
    assert [(each.code, each.span and each.span.text) for each in found] == [
        ("QC101", "nothing.prototxt"),
        ("QC501", "0"),
    ]


def test_a_misspelled_comment_is_an_error_at_its_name() -> None:
    source = Source("/quant.cfg", "# quantcfg-modle: net.prototxt\n")
    assert [(each.code, each.span and each.span.text) for each in all_diagnostics(Document(source))] == [
        ("QC201", "modle")
    ]


def test_an_error_in_the_model_is_reported_with_its_location(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text("layer { name: 1 }")
    source = Source(str(tmp_path / "quant.cfg"), "")
    found = all_diagnostics(Document(source, read_model(Named(str(path)), {}, None)))
    assert found[0].message.startswith(f"the model ({path}:1:15): ")
    assert [place.span.text for place in found[0].related] == ["1"]


def test_a_folder_that_cannot_be_looked_at_has_no_settings(tmp_path: Path) -> None:
    assert named(tmp_path / ("a" * 300), "") is None


def test_what_is_wrong_with_the_settings_of_the_client_is_said_of_them(tmp_path: Path) -> None:
    found: list[Diagnostic] = []
    source = Source(str(tmp_path / "quant.cfg"), "")
    assert model_for(source, {"model": 5}, None, found.append) is None
    assert [(each.message, each.span) for each in found] == [('"model" must be a string, not 5', None)]


@pytest.mark.parametrize("name", ["/dev/stdin", "/dev/fd/0", "/dev/null", "pipe"])
def test_a_file_that_may_never_end_is_not_a_model(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    path = os.path.join(tmp_path, name)
    model = read_model(Named(path), {}, None)
    assert [each.code for each in model.diagnostics] == ["QC101"]
    assert model.diagnostics[0].message.endswith(": not a regular file")


def test_weights_that_cannot_be_read_are_reported_where_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET)
    text = "# quantcfg-model: net.prototxt\n# quantcfg-weights: nowhere\n"
    source = Source(str(tmp_path / "quant.cfg"), text)
    found = model_for(source, {}, None, print)
    assert found
    (finding,) = all_diagnostics(Document(source, read_model(found, {}, None)))
    assert finding.span
    assert finding.span.text == "nowhere"
    assert finding.message.startswith("the weights: cannot read ")
