"""The model and the edition of a file, by its comments and by quantcfg.toml."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from quantcfg import editions
from quantcfg.diagnostics import Diagnostic
from quantcfg.project import Named, Settings, check_comments, model_of, settings_around
from quantcfg.source import Source, Span


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def around(source: Source | None) -> Settings:
    return settings_around(source, raising)


def raising(wrong: Diagnostic) -> None:
    raise AssertionError(wrong.message)


def files(named: Named | None) -> tuple[str | None, ...]:
    assert named
    return named.model, named.weights, named.config


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("quant.cfg", "net.prototxt"),
        ("a/quant.cfg", "a/net.prototxt"),
        ("../quant.cfg", "../net.prototxt"),
        ("/somewhere/quant.cfg", "/somewhere/net.prototxt"),
        ("<stdin>", "net.prototxt"),
    ],
)
def test_a_named_file_is_relative_to_the_file_that_names_it(name: str, expected: str) -> None:
    source = Source(name, "# quantcfg-model: net.prototxt\n")
    assert model_of(source, raising) == Named(expected, span=Span(source, 18, 30))


def test_a_named_file_is_relative_to_the_settings_that_name_it(folder: Path) -> None:
    Path("a/b").mkdir(parents=True)
    Path("quantcfg.toml").write_text('model = "m/net.prototxt"\nweights = "w"\nconfig = "a/quant.cfg"')
    expected = ("m/net.prototxt", "w", "a/quant.cfg")
    for source in (None, Source("<stdin>", ""), Source("a/b/config.json", "{}")):
        assert files(around(source).model) == expected
    absolute = Source(str(folder / "a" / "quant.cfg"), "")
    assert files(around(absolute).model) == tuple(str(folder / each) for each in expected)
    os.chdir("a/b")
    assert files(around(Source("quant.cfg", "")).model) == tuple(f"../../{each}" for each in expected)


def test_the_nearest_settings_count_alone() -> None:
    Path("a").mkdir()
    Path("quantcfg.toml").write_text('model = "net.prototxt"\nedition = "caffe"')
    Path("a/quantcfg.toml").write_text("")
    assert around(Source("a/quant.cfg", "")) == Settings()
    assert around(Source("quant.cfg", "")).edition == "caffe"


def test_a_directory_or_a_pipe_is_not_a_settings_file() -> None:
    Path("a/quantcfg.toml").mkdir(parents=True)
    os.mkfifo("quantcfg.toml")
    assert around(Source("a/quant.cfg", "")) == Settings()


def test_a_working_directory_that_is_gone_has_no_settings() -> None:
    Path("gone").mkdir()
    os.chdir("gone")
    os.rmdir("../gone")
    assert around(None) == Settings()
    assert around(Source("quant.cfg", "")) == Settings()


@pytest.mark.parametrize(
    ("text", "code", "message", "place"),
    [
        ("model = ", "QC118", "invalid TOML: invalid value", (1, 8)),
        ("\r\nmodel = net", "QC118", "invalid TOML: invalid value", (2, 9)),
        ('model = "net\n', "QC118", "invalid TOML: illegal character '\\n'", (1, 13)),
        ("a=" + "[" * 20_000, "QC118", "invalid TOML: nested too deep", (1, 1)),
        ("a = " + "1" * 5000, "QC118", None, (1, 5004)),
        ("model = 1", "QC202", '"model" must be a string, not 1', (1, 9)),
        ("# c\n  model = [1]  # d", "QC202", '"model" must be a string, not [1]', (2, 11)),
        ("model.a = 1", "QC202", "\"model\" must be a string, not {'a': 1}", (1, 1)),
        ("\nweights = 1\n[x]\nweights = 2", "QC202", '"weights" must be a string, not 1', (1, 1)),
        ("edition = 1.5", "QC202", '"edition" must be a string, not 1.5', (1, 11)),
        ("edition = 'caff' # x", "QC204", 'unknown value "caff" for "edition"', (1, 11)),
        (b"\xff", "QC102", None, (1, 1)),
        (b"\0" * 9, "QC111", None, None),
    ],
)
def test_settings_that_cannot_be_used_are_an_error_at_their_place(
    text: str | bytes, code: str, message: str | None, place: tuple[int, int] | None
) -> None:
    Path("quantcfg.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    found: list[Diagnostic] = []
    assert settings_around(None, found.append) == Settings()
    assert found[0].code == code
    assert message is None or found[0].message == message
    span = found[0].span
    assert (span and span.start_position) == place
    assert (span.source.name if span else found[0].file) == "quantcfg.toml"


@pytest.mark.parametrize(
    ("text", "place", "help"),
    [
        ('modell = "net.prototxt"', (1, 1), 'did you mean "model"?'),
        ("# c\n  'edtion' = 'caffe'", (2, 4), 'did you mean "edition"?'),
        ("[tool]\nmodel = 'net.prototxt'", (1, 1), 'use "model", "weights", "config" or "edition"'),
    ],
)
def test_an_unknown_setting_is_an_error_at_its_key(text: str, place: tuple[int, int], help: str) -> None:
    Path("quantcfg.toml").write_text(text)
    found: list[Diagnostic] = []
    assert settings_around(None, found.append) == Settings()
    (wrong,) = found
    assert (wrong.code, wrong.help) == ("QC201", help)
    assert wrong.span
    assert wrong.span.start_position == place


def test_an_unknown_comment_is_an_error_at_its_name() -> None:
    source = Source("quant.cfg", "# a note\n# quantcfg-modle: net.prototxt\n# quantcfg: x\nbatch_num: 1")
    found: list[Diagnostic] = []
    check_comments(source, found.append)
    assert [(each.code, each.message, each.help) for each in found] == [
        ("QC201", 'a quantcfg comment has no field "modle"', 'did you mean "model"?')
    ]
    assert found[0].span == Span(source, 20, 25)


def test_only_the_first_unknown_settings_are_reported() -> None:
    Path("quantcfg.toml").write_text("\n".join(f"a{index} = 1" for index in range(20_000)))
    found: list[Diagnostic] = []
    settings_around(None, found.append)
    check_comments(Source("quant.cfg", "# quantcfg-a: b\n" * 20_000), found.append)
    assert len(found) == 20


def test_settings_that_may_not_be_read_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    Path("quantcfg.toml").touch()
    monkeypatch.setattr(os, "open", refuse)
    found: list[Diagnostic] = []
    assert settings_around(None, found.append) == Settings()
    assert [(each.code, each.file) for each in found] == [("QC101", "quantcfg.toml")]


@pytest.mark.parametrize("key", ["model", '"model"', "'model'"])
@pytest.mark.parametrize("value", ['"a#b"', "'a#b'", '"""a#b"""'])
def test_a_model_of_the_settings_has_the_place_of_its_value(key: str, value: str) -> None:
    Path("quantcfg.toml").write_text(f"# model\n{key}   = {value}")
    named = around(None).model
    assert named
    assert named.model == "a#b"
    assert named.span
    assert named.span.start_position == (2, len(key) + 6)


def test_an_edition_that_does_not_exist_is_helped_with_those_that_do() -> None:
    Path("quantcfg.toml").write_text('edition = "onnxx"')
    found: list[Diagnostic] = []
    settings_around(None, found.append)
    assert [each.help for each in found] == ['use "caffe" or "onnx"']


@pytest.mark.parametrize("name", editions.NAMES)
def test_an_edition_is_registered_under_its_name(name: str) -> None:
    assert editions.edition_named(name).name == name


def test_a_byte_order_mark_does_not_hide_the_model() -> None:
    named = model_of(Source("quant.cfg", "\ufeff# quantcfg-model: net.prototxt\n"), lambda _: None)
    assert named
    assert named.model.endswith("net.prototxt")


@pytest.mark.parametrize("value", ["false", "0", "[]"])
def test_a_setting_of_another_type_is_an_error_even_if_it_is_empty(value: str) -> None:
    Path("quantcfg.toml").write_text(f"model = {value}")
    found: list[Diagnostic] = []
    assert settings_around(None, found.append).model is None
    assert [each.code for each in found] == ["QC202"]
