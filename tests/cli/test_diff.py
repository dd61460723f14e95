"""quantcfg diff: what is compared, how it is shown, and the exit status."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest

from quantcfg import cli
from tests.api.models import Model, write_model

Captured = pytest.CaptureFixture[str]

MODEL = ("--model", "deploy.prototxt")


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Model:
    """The files of a model, and two requests with their configurations, in the working directory."""
    monkeypatch.chdir(tmp_path)
    model = write_model(tmp_path)
    Path("old.cfg").write_text("")
    Path("new.cfg").write_text('batch_num: 2 skip_layers: "fc"')
    for name in ("old", "new"):
        assert cli.main(["compile", *MODEL, "--config", f"{name}.cfg", "-o", f"{name}.json"]) == 0
    capsys.readouterr()
    return model


def diff(capsys: Captured, *arguments: str) -> tuple[int, list[str]]:
    """Return the status and the lines without the places behind them."""
    status, lines = diff_with_places(capsys, *arguments)
    return status, [re.sub(r" \([^()]*:\d+:\d+[^()]*\)$", "", line) for line in lines]


def diff_with_places(capsys: Captured, *arguments: str) -> tuple[int, list[str]]:
    status = cli.main(["diff", *arguments])
    out, err = capsys.readouterr()
    assert err == ""
    return status, out.splitlines()


@pytest.mark.parametrize("old", ["old.cfg", "old.json"])
@pytest.mark.parametrize("new", ["new.cfg", "new.json"])
def test_requests_and_configurations_are_compared_in_any_mixture(
    old: str, new: str, capsys: Captured
) -> None:
    changes = ["batch_num: 1 → 2", '"fc" is no longer quantized']
    assert diff(capsys, old, new, *MODEL) == (1, changes)
    assert diff(capsys, new, old, *MODEL) == (1, ["batch_num: 2 → 1", '"fc" is quantized now'])


@pytest.mark.parametrize("name", ["old", "new"])
def test_what_compiles_to_the_same_does_not_differ(name: str, capsys: Captured) -> None:
    assert diff(capsys, f"{name}.cfg", f"{name}.json", *MODEL) == (0, [])
    assert diff(capsys, f"{name}.json", f"{name}.json") == (0, [])


def test_a_line_says_where_the_values_are(capsys: Captured) -> None:
    assert diff_with_places(capsys, "old.cfg", "new.cfg", *MODEL) == (
        1,
        ["batch_num: 1 → 2 (new.cfg:1:12)", '"fc" is no longer quantized (new.cfg:1:27)'],
    )
    assert diff_with_places(capsys, "old.json", "new.json") == (
        1,
        [
            "batch_num: 1 → 2 (old.json:3:17 → new.json:3:17)",
            '"fc" is no longer quantized (old.json:27:24 → new.json:27:24)',
        ],
    )


def test_configurations_need_no_model(capsys: Captured) -> None:
    assert diff(capsys, "old.json", "new.json")[0] == 1


def test_one_may_come_from_standard_input(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"batch_num: 3")))
    assert diff(capsys, "new.json", "-", *MODEL) == (1, ["batch_num: 2 → 3", '"fc" is quantized now'])


def test_a_name_is_shown_and_not_obeyed(capsys: Captured) -> None:
    Path("old.json").write_text('{"a\\u001b[2J\\nb": {}, "c": {}}')
    Path("new.json").write_text('{"a\\u001b[2J\\nb": {"quant_enable": false}, "c": {}}')
    assert diff(capsys, "old.json", "new.json") == (1, ['"a\ufffd[2J\ufffdb" is no longer quantized'])


def place(line: int, column: int, end_column: int) -> dict[str, object]:
    start, end = ({"line": line, "column": each} for each in (column, end_column))
    return {"file": "new.json", "start": start, "end": end}


def test_changes_as_json(capsys: Captured) -> None:
    status, lines = diff(capsys, "old.cfg", "new.json", *MODEL, "--format", "json")
    assert status == 1
    assert json.loads("\n".join(lines)) == {
        "version": 1,
        "old": "old.cfg",
        "new": "new.json",
        "changes": [
            {
                "layer": None,
                "type": None,
                "path": ["batch_num"],
                "old": 1,
                "new": 2,
                "old_place": None,
                "new_place": place(3, 17, 18),
            },
            {
                "layer": "fc",
                "type": "InnerProduct",
                "path": ["quant_enable"],
                "old": True,
                "new": False,
                "old_place": None,
                "new_place": place(27, 24, 29),
            },
        ],
    }
    assert json.loads("\n".join(diff(capsys, "old.json", "old.json", "--format", "json")[1]))["changes"] == []


@pytest.mark.parametrize(
    "arguments", [("bad.cfg", "old.json"), ("old.json", "bad.cfg"), ("old.json", "bad.json")]
)
def test_what_has_errors_is_not_compared(arguments: tuple[str, str], capsys: Captured) -> None:
    Path("bad.cfg").write_text("batchnum: 2")
    Path("bad.json").write_text('{"conv1": {"quant_enable": "yes"}}')
    assert cli.main(["diff", *arguments, *MODEL]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "bad." in err
    assert "error[QC" in err


@pytest.mark.parametrize("names", [("nowhere.json", "old.json"), ("old.json", "nowhere.cfg")])
def test_what_cannot_be_read_is_trouble(names: tuple[str, str], capsys: Captured) -> None:
    assert cli.main(["diff", *names]) == 2
    assert "QC101" in capsys.readouterr().err


def test_a_bad_model_is_trouble(capsys: Captured) -> None:
    Path("deploy.prototxt").write_text("layer { name: }")
    assert cli.main(["diff", "old.json", "new.json", *MODEL]) == 2
    assert "deploy.prototxt:1:15" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("old.cfg", "new.json"),
        ("-", "-"),
        ("old.json", "new.json", "--weights", "weights.caffemodel"),
        ("old.json",),
    ],
)
def test_a_usage_error_has_status_2(arguments: tuple[str, ...], capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["diff", *arguments])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: quantcfg diff")
