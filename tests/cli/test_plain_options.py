"""Plain options in messages: as they are typed, with the caret under the invalid word."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import strategies as st

from quantcfg import cli, compile_config, read_model
from quantcfg.api import PlainArguments, QuantConfigError, compile_given, explain
from quantcfg.cli.arguments import command_line_argument
from tests.api.models import write_model
from tests.laws import law
from tests.networks import conv, net, relu

NET = net(conv("conv1"), relu("relu1", "conv1"), conv("conv2_dw", "conv1"), conv("conv2", "conv2_dw"))


@pytest.fixture(autouse=True)
def _in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path, NET, {})


def shown(capsys: pytest.CaptureFixture[str], command: str) -> str:
    name, *arguments = shlex.split(command)
    assert cli.main([name, "--model", "deploy.prototxt", *arguments]) == 1
    out, err = capsys.readouterr()
    assert "argument " not in out + err
    return out + err


@pytest.mark.parametrize(
    ("options", "place", "marked", "message"),
    [
        ("--skip-layer conv1 conv22", "20", "conv22", 'QC401]: layer "conv22" does not exist'),
        ("--skip-layer skip", "14", "skip", 'QC401]: layer "skip" does not exist'),
        ("--skip-layer relu1", "14", "relu1", 'QC402]: layer "relu1" has type ReLU'),
        ("--skip-layer conv2 conv1 conv2", "26", "conv2", 'QC404]: duplicate name "conv2" in --skip-layer'),
        ("--skip-layer 'a b' conv1", "14", "'a b'", 'QC401]: layer "a b" does not exist'),
        ("--batch-num 0", "13", "0", 'QC501]: "--batch-num" must be at least 1, not 0'),
        ("--batch-num -7", "13", "-7", 'QC501]: "--batch-num" must be at least 1, not -7'),
    ],
)
def test_an_option_is_shown_as_it_is_typed(
    options: str, place: str, marked: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(capsys, f"compile {options} -o out.json")
    assert text.startswith(f"command line:1:{place}: error[{message}")
    caret = " " * (int(place) - 1) + "^" * len(marked)
    assert text.splitlines()[1:4] == ["   |", f" 1 | {options}", f"   | {caret}"]


@pytest.mark.parametrize("command", ["compile", "explain conv1"])
def test_each_option_that_is_wrong_is_shown(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, f"{command} --skip-layer x --batch-num 0 --skip-layer y --no-activation-offset")
    assert text.count(" 1 | --skip-layer x y\n") == 2
    assert text.count(" 1 | --batch-num 0\n") == 1
    assert "--no-activation-offset" not in text


def test_the_only_suggestion_for_a_doubled_digit_is_the_name_without_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert '   = help: did you mean "conv2"?\n' in shown(capsys, "compile --skip-layer conv1 conv22")


def test_a_number_that_is_too_long_is_shown_as_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compile", "--model", "deploy.prototxt", "--batch-num", "9" * 4000]) == 1
    text = capsys.readouterr().err
    assert text.startswith("command line:1:13: error[QC415]: argument --batch-num must be a smaller number")


def test_the_help_for_skipping_all_layers_names_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "compile --skip-layer conv1 conv2 conv2_dw")
    assert "error[QC407]" in text
    assert "  = help: remove at least one layer from --skip-layer\n" in text


@pytest.mark.parametrize(
    ("command", "word", "code"),
    [
        ("explain conv22", "conv22", "QC401"),
        ("explain conv1 serch_step", "serch_step", "QC512"),
        ("explain conv1 num_of_bins", "num_of_bins", "QC513"),
        ("explain 'no layer'", "'no layer'", "QC401"),
    ],
)
def test_a_word_is_shown_as_it_is_typed(
    command: str, word: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(capsys, command)
    assert text.startswith(f"command line:1:1: error[{code}]")
    assert text.splitlines()[2:4] == [f" 1 | {word}", f"   | {'^' * len(word)}"]


def test_the_library_names_its_arguments() -> None:
    network = read_model("deploy.prototxt")
    wrong = compile_config(network, skip_layers=["conv1", "conv22"], batch_num=0).diagnostics
    spans = [each.span for each in wrong if each.span]
    assert [(span.source.name, span.text) for span in spans] == [
        ("argument batch_num", "0"),
        ("argument skip_layers", "'conv22'"),
    ]
    assert wrong[0].message == '"batch_num" must be at least 1, not 0'
    right = explain(compile_config(network, batch_num=2), "batch_num").network[0]
    origin = right.chain[0].origin
    assert (origin.what, origin.argument) == ("argument batch_num", "batch_num")


def test_an_option_is_an_origin_by_its_name_alone() -> None:
    network = read_model("deploy.prototxt")
    plain = PlainArguments(batch_num=2, spell=command_line_argument)
    compilation = compile_given(None, network, network.edition, (), plain)
    origin = explain(compilation, "batch_num").network[0].chain[0].origin
    assert (origin.what, origin.argument) == ("--batch-num", "--batch-num")
    with pytest.raises(QuantConfigError) as caught:
        explain(compile_config(network, batch_num=2), "conv22")
    (error,) = caught.value.diagnostics
    assert error.span
    assert (error.span.source.name, error.span.text) == ("argument layer", "'conv22'")


@law(st.lists(st.text(max_size=8), min_size=1, max_size=5))
def test_the_places_of_words_are_what_the_shell_reads(names: list[str]) -> None:
    argument = command_line_argument("skip_layers", names)
    assert shlex.split(argument.span.source.text) == ["--skip-layer", *names]
    assert [shlex.split(span.text) for span in argument.items()] == [[name] for name in names]
    starts = [span.start for span in argument.items()]
    assert starts == sorted(set(starts))
