"""Models and editions that no option names: a comment at the top of a quant.cfg, or quantcfg.toml."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from quantcfg import cli
from tests.api.models import Model, write_model
from tests.networks import conv, net

Captured = pytest.CaptureFixture[str]

NAMED = "# quantcfg-model: deploy.prototxt\n"
TOML = Path("quantcfg.toml")
SMALL = net(conv("conv1"))


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """The files of a model in the working directory."""
    monkeypatch.chdir(tmp_path)
    return write_model(tmp_path)


def run(capsys: Captured, *arguments: str) -> tuple[int, str, str]:
    status = cli.main(arguments)
    return status, *capsys.readouterr()


def check(capsys: Captured, *arguments: str) -> list[str]:
    """Return what a check finds: codes, and where."""
    _, out, _ = run(capsys, "check", *arguments, "--format", "json")
    return [shown(each) for each in json.loads(out)["diagnostics"]]


def shown(diagnostic: dict[str, object]) -> str:
    start = diagnostic["start"]
    where = f":{start['line']}:{start['column']}" if isinstance(start, dict) else ""
    return f"{diagnostic['code']} {diagnostic['file']}{where}"


def stand_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Set the content of standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


# --- which model


@pytest.mark.parametrize(
    ("arguments", "layer"),
    [
        (("named.cfg", "--model", "option.prototxt"), "option"),
        (("named.cfg",), "comment"),
        (("plain.cfg",), "settings"),
    ],
)
def test_an_option_beats_the_comment_and_the_comment_the_settings(
    arguments: tuple[str, ...], layer: str, capsys: Captured
) -> None:
    for name in ("option", "comment", "settings"):
        Path(f"{name}.prototxt").write_text(net(conv(name)))
    Path("named.cfg").write_text("# quantcfg-model: comment.prototxt\n")
    Path("plain.cfg").write_text("")
    TOML.write_text("model = 'settings.prototxt'")
    status, out, _ = run(capsys, "compile", "--config", *arguments)
    assert status == 0
    assert json.loads(out).keys() & {"option", "comment", "settings"} == {layer}


def test_the_weights_of_a_comment_do_not_go_with_the_model_of_an_option(capsys: Captured) -> None:
    Path("quant.cfg").write_text(f"{NAMED}# quantcfg-weights: nowhere\n")
    assert check(capsys, "quant.cfg") == ["QC101 quant.cfg:2:21"]
    assert check(capsys, "quant.cfg", "--model", "deploy.prototxt") == []


@pytest.mark.parametrize("command", ["check", "compile", "explain", "decompile", "diff", "layers", "schema"])
def test_weights_as_an_option_go_with_the_model_as_an_option(command: str, capsys: Captured) -> None:
    Path("quant.cfg").write_text(NAMED)
    TOML.write_text("model = 'deploy.prototxt'")
    files = {"check": ["quant.cfg"], "decompile": ["quant.cfg"], "diff": ["quant.cfg", "quant.cfg"]}
    with pytest.raises(SystemExit) as caught:
        cli.main([command, *files.get(command, []), "--weights", "weights.caffemodel"])
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert "--weights requires --model; for a model named elsewhere, use " in error
    assert error.endswith("weights in quantcfg.toml\n")
    assert ("# quantcfg-weights: FILE" in error) == (command in ("compile", "explain"))


def test_every_file_that_is_checked_has_its_own_model(capsys: Captured) -> None:
    Path("small.prototxt").write_text(SMALL)
    Path("a.cfg").write_text(f"{NAMED}skip_layers: 'fc'")
    Path("b.cfg").write_text("# quantcfg-model: small.prototxt\nskip_layers: 'fc'")
    Path("c.cfg").write_text("skip_layers: 'nowhere'")
    assert check(capsys, "a.cfg", "b.cfg", "c.cfg") == ["QC401 b.cfg:2:14"]


def test_a_network_is_read_and_reported_once(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    from quantcfg import api

    read: list[object] = []
    load = api.load_model

    def counted(*arguments: object, **named: object) -> object:
        read.append(arguments[:2])
        return load(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(api, "load_model", counted)
    Path("deploy.prototxt").write_text("layer { name: 'x }")
    for name in ("a.cfg", "b.cfg"):
        Path(name).write_text(f"# {name}\n{NAMED}")
    TOML.write_text("model = 'deploy.prototxt'")
    Path("c.cfg").write_text("")
    assert check(capsys, "a.cfg", "b.cfg", "c.cfg") == ["QC106 deploy.prototxt:1:15"]
    assert read == [("deploy.prototxt", None)]


def test_a_fixed_file_is_checked_against_the_model_that_it_names(capsys: Captured) -> None:
    Path("quant.cfg").write_text(f"{NAMED}skip_layers: 'cnov1'\n")
    assert run(capsys, "check", "--fix", "quant.cfg")[0] == 0
    assert Path("quant.cfg").read_text() == f'{NAMED}skip_layers: "conv1"\n'


def test_a_quant_cfg_compiles_for_the_model_that_it_names(capsys: Captured) -> None:
    Path("a").mkdir()
    Path("a/quant.cfg").write_text(
        "# quantcfg-model: ../deploy.prototxt\n# quantcfg-weights: ../weights.caffemodel\nbatch_num: 3"
    )
    arguments = ("compile", "--config", "a/quant.cfg", "-o", "config.json")
    summary = "config.json: 3 layers quantized, 0 skipped, 0 fused, 0 warnings\n"
    assert run(capsys, *arguments) == (0, "", summary)
    assert json.loads(Path("config.json").read_text())["batch_num"] == 3
    status, out, _ = run(capsys, "explain", "--config", "a/quant.cfg", "conv1")
    assert status == 0
    assert out.startswith('"conv1", Convolution (deploy.prototxt:')


@pytest.mark.parametrize("name", ["deploy.prototxt", "weights.caffemodel", "quant.cfg"])
def test_a_file_that_is_read_is_not_written(name: str, capsys: Captured) -> None:
    Path("quant.cfg").write_text(f"{NAMED}# quantcfg-weights: weights.caffemodel\n")
    before = Path(name).read_bytes()
    status, _, err = run(capsys, "compile", "--config", "quant.cfg", "-o", name)
    assert status == 1
    assert "QC503" in err
    assert Path(name).read_bytes() == before


def test_plain_options_and_networks_are_for_the_model_of_the_settings(capsys: Captured) -> None:
    TOML.write_text("model = 'deploy.prototxt'\nweights = 'weights.caffemodel'")
    status, out, _ = run(capsys, "compile", "--batch-num", "3")
    assert status == 0
    assert json.loads(out)["batch_num"] == 3
    assert run(capsys, "layers")[0] == 0
    assert '"conv1"' in run(capsys, "schema")[1]
    Path("config.json").write_text(out)
    assert run(capsys, "decompile", "config.json")[1] == "batch_num: 3\n"
    assert run(capsys, "diff", "config.json", "config.json")[0] == 0
    assert run(capsys, "schema", "-o", "deploy.prototxt")[0] == 1
    assert run(capsys, "decompile", "config.json", "-o", "weights.caffemodel")[0] == 1


def test_standard_input_names_a_model_relative_to_what_it_is_called(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"{NAMED}skip_layers: 'cnov1'"
    stand_in(monkeypatch, text)
    assert check(capsys, "-") == ["QC401 <stdin>:2:14"]
    stand_in(monkeypatch, text)
    status, _, err = run(capsys, "compile", "--config", "-")
    assert (status, "QC401" in err) == (1, True)
    stand_in(monkeypatch, text)
    assert check(capsys, "-", "--stdin-filename", "a/quant.cfg") == ["QC101 a/quant.cfg:1:19"]


def test_an_unreadable_quant_cfg_is_not_a_usage_error(capsys: Captured) -> None:
    for command in ("compile", "explain"):
        status, _, err = run(capsys, command, "--config", "nowhere")
        assert status == 1
        assert 'error[QC101]: cannot read "nowhere"' in err


@pytest.mark.parametrize("old", ["config.json", "quant.cfg"])
def test_what_is_compared_takes_the_model_of_the_other(old: str, capsys: Captured) -> None:
    Path("plain.cfg").write_text("batch_num: 2")
    Path("quant.cfg").write_text(NAMED)
    assert run(capsys, "compile", "--config", "quant.cfg", "-o", "config.json")[0] == 0
    capsys.readouterr()
    new = "plain.cfg" if old == "quant.cfg" else "quant.cfg"
    expected = (1, "batch_num: 1 → 2 (plain.cfg:1:12)\n", "") if new == "plain.cfg" else (0, "", "")
    assert run(capsys, "diff", old, new) == expected


@pytest.mark.parametrize(
    ("path", "shown"), [("nowhere", True), ("a/../nowhere", True), ("/nowhere/deploy.prototxt", False)]
)
@pytest.mark.parametrize("settings", [False, True])
def test_the_help_says_what_a_path_is_relative_to(
    path: str, shown: bool, settings: bool, capsys: Captured
) -> None:
    Path("quant.cfg").write_text("" if settings else f"# quantcfg-model: {path}\n")
    TOML.write_text(f"model = '{path}'" if settings else "")
    _, out, _ = run(capsys, "check", "quant.cfg")
    help = f"the path is relative to {'quantcfg.toml' if settings else 'the quant.cfg'}"
    assert (help in out) == shown


def test_requests_for_two_networks_are_compared(capsys: Captured) -> None:
    Path("small.prototxt").write_text(SMALL)
    Path("old.cfg").write_text(NAMED)
    Path("new.cfg").write_text("# quantcfg-model: small.prototxt\n")
    status, out, err = run(capsys, "diff", "old.cfg", "new.cfg", "--format", "json")
    assert (status, err) == (1, "")
    types = {each["layer"]: each["type"] for each in json.loads(out)["changes"]}
    assert types == {"pool5": "Pooling", "fc": "InnerProduct"}


def test_a_quant_cfg_that_nothing_names_a_model_for_is_not_compared(capsys: Captured) -> None:
    Path("quant.cfg").write_text("")
    with pytest.raises(SystemExit) as caught:
        cli.main(["diff", "quant.cfg", "quant.cfg"])
    assert caught.value.code == 2
    assert 'use --model, or "# quantcfg-model: FILE" at the top' in capsys.readouterr().err


# --- its errors


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("nowhere", None, "QC101"),
        ("page", "<html>", "QC117"),
        ("binary", "\0" * 9, "QC111"),
        ("empty", "", "QC309"),
    ],
)
@pytest.mark.parametrize("settings", [False, True])
def test_a_model_that_cannot_be_read_is_an_error_where_it_is_named(
    name: str, content: str | None, code: str, settings: bool, capsys: Captured
) -> None:
    if content is not None:
        Path(name).write_text(content)
    Path("quant.cfg").write_text("" if settings else f"# quantcfg-model: {name}\n")
    TOML.write_text(f"model = '{name}'" if settings else "")
    place = "quantcfg.toml:1:9" if settings else "quant.cfg:1:19"
    assert check(capsys, "quant.cfg", "quant.cfg") == [f"{code} {place}"]
    for command, option, expected in (
        ("compile", "--config", 1),
        ("explain", "--config", 1),
        ("diff", "quant.cfg", 2),
    ):
        status, out, err = run(capsys, command, option, "quant.cfg")
        assert (status, out) == (expected, "")
        assert err.startswith(f"{place}: error[{code}]: ")


@pytest.mark.parametrize("kind", ["model", "weights"])
@pytest.mark.parametrize("name", ["/dev/zero", "pipe", "."])
def test_a_model_that_a_file_names_must_be_a_regular_file(kind: str, name: str, capsys: Captured) -> None:
    os.mkfifo("pipe")
    text = "" if kind == "model" else NAMED
    Path("quant.cfg").write_text(f"{text}# quantcfg-{kind}: {name}\n")
    line = 1 if kind == "model" else 2
    assert check(capsys, "quant.cfg") == [f"QC101 quant.cfg:{line}:{14 + len(kind)}"]


def test_a_dash_in_a_comment_is_a_file_name(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("quant.cfg").write_text("# quantcfg-model: -\n")
    stand_in(monkeypatch, SMALL)
    assert check(capsys, "quant.cfg") == ["QC101 quant.cfg:1:19"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model = net", "QC118 quantcfg.toml:1:9"),
        ("model = 5", "QC202 quantcfg.toml:1:9"),
        ("modle = 'deploy.prototxt'", "QC201 quantcfg.toml:1:1"),
        ("\nedition = 'caff'", "QC204 quantcfg.toml:2:11"),
        ("model = 'deploy.prototxt'\nweights = 5", "QC202 quantcfg.toml:2:11"),
    ],
)
def test_settings_that_cannot_be_used_are_an_error_of_every_command(
    text: str, expected: str, capsys: Captured
) -> None:
    TOML.write_text(text)
    Path("quant.cfg").write_text("")
    Path("config.json").write_text("{}")
    assert check(capsys, "quant.cfg", "quant.cfg") == [expected]
    code, place = expected.split()
    for arguments in (
        ("compile", "--config", "quant.cfg"),
        ("explain", "--config", "quant.cfg"),
        ("decompile", "config.json"),
        ("diff", "quant.cfg", "config.json"),
        ("layers",),
        ("schema",),
    ):
        status, out, err = run(capsys, *arguments)
        assert (status, out) == (2 if arguments[0] == "diff" else 1, "")
        assert f"{place}: error[{code}]: " in err
    status, out, _ = run(capsys, "migrate", "quant.cfg")
    assert status == 1
    assert f"{place}: error[{code}]: " in out
    assert check(capsys, "quant.cfg", "--model", "deploy.prototxt") == [], "they are not read then"


def test_a_misspelled_comment_is_an_error_unless_an_option_names_the_model(capsys: Captured) -> None:
    Path("quant.cfg").write_text("# quantcfg-modle: deploy.prototxt\n")
    assert check(capsys, "quant.cfg") == ["QC201 quant.cfg:1:12"]
    status, out, err = run(capsys, "compile", "--config", "quant.cfg")
    assert (status, out) == (1, "")
    assert 'quant.cfg:1:12: error[QC201]: a quantcfg comment has no field "modle"' in err
    assert check(capsys, "quant.cfg", "--model", "deploy.prototxt") == []


# --- which edition


@pytest.mark.parametrize("by", ["option", "settings", "default"])
@pytest.mark.parametrize("command", ["check", "migrate", "diff"])
def test_the_edition_is_that_of_the_option_or_of_the_settings(
    command: str, by: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    from quantcfg import editions

    asked: list[str] = []
    named = editions.edition_named

    def counted(name: str) -> object:
        asked.append(name)
        return named("caffe")

    monkeypatch.setattr(editions, "NAMES", ("caffe", "other", "another"))
    monkeypatch.setattr(editions, "edition_named", counted)
    Path("quant.cfg").write_text("")
    Path("config.json").write_text('{"conv1": {}}')
    TOML.write_text("" if by == "default" else "edition = 'other'")
    option = ["--edition", "another"] if by == "option" else []
    files = ["config.json", "config.json"] if command == "diff" else ["quant.cfg"]
    assert run(capsys, command, *files, *option)[0] == 0
    assert set(asked) == {{"option": "another", "settings": "other", "default": "caffe"}[by]}
