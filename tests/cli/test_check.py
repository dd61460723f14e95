"""quantcfg check: what is checked, what counts, and what is fixed."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from pathlib import Path

import pytest

from quantcfg import cli
from tests.api.models import Model, write_model

Captured = pytest.CaptureFixture[str]

GOOD = 'batch_num: 2\nskip_layers: "fc"\n'
WARNED = "conv_calibration_config { }\n"
SLIP = '# kept\r\nbatchnum: 2 # kept, too\r\nskip_layers: "cnov1"\t\r\nskip_fusion_layers: "nowhere"\r\n'
FIXED = '# kept\r\nbatch_num: 2 # kept, too\r\nskip_layers: "conv1"\t\r\nskip_fusion_layers: "nowhere"\r\n'
CONFIG = '{"conv1": {}, "pool5": {}, "fc": {}}'

MODEL = ("--model", "deploy.prototxt")


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """The files of a model and requests for it, in the working directory."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "good.cfg": GOOD,
        "warned.cfg": WARNED,
        "slip.cfg": SLIP,
        "config.json": CONFIG,
    }.items():
        (tmp_path / name).write_bytes(text.encode())
    return write_model(tmp_path)


def check(capsys: Captured, *arguments: str) -> tuple[int, list[str], str]:
    """Check, and return the status, the codes and the files of what is found, and the summary."""
    status = cli.main(["check", *arguments, "--format", "json"])
    out, err = capsys.readouterr()
    found = json.loads(out)["diagnostics"]
    return status, [f"{each['code']} {each['file']}" for each in found], err


# --- what is checked


def test_a_file_in_order_has_nothing_to_show(capsys: Captured) -> None:
    assert cli.main(["check", "good.cfg", *MODEL]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "1 file checked: 0 errors, 0 warnings\n"


def test_several_files_are_checked_and_summed_up_in_one_line(capsys: Captured) -> None:
    status, found, summary = check(
        capsys, "good.cfg", "slip.cfg", "warned.cfg", "config.json", "nowhere", *MODEL
    )
    assert status == 1
    assert found == [
        *("QC201 slip.cfg", "QC401 slip.cfg", "QC401 slip.cfg", "QC425 warned.cfg", "QC101 nowhere"),
    ]
    assert summary == "5 files checked: 4 errors, 1 warning; 2 can be fixed with --fix\n"


def test_what_is_wrong_with_the_model_is_said_once(capsys: Captured) -> None:
    Path("deploy.prototxt").write_text("layer { name: 'x }")
    status, found, _ = check(capsys, "good.cfg", "slip.cfg", *MODEL)
    # Against a model that cannot be read, the files are checked as if there were none.
    assert (status, found) == (1, ["QC106 deploy.prototxt", "QC201 slip.cfg"])


def test_without_a_model_every_name_may_be_that_of_a_layer(capsys: Captured) -> None:
    status, found, _ = check(capsys, "good.cfg", "slip.cfg", "config.json")
    assert (status, found) == (1, ["QC201 slip.cfg"])


def test_the_weights_decide_as_for_a_compile(capsys: Captured) -> None:
    Path("config.json").write_text('{"conv1": {}, "pool5": {}, "fc": {}}')
    assert check(capsys, "config.json", *MODEL, "--weights", "weights.caffemodel")[0] == 0
    assert check(capsys, "config.json", *MODEL, "--weights", "good.cfg")[1] == ["QC310 good.cfg"]


@pytest.mark.parametrize("name", ["config.json", "config.JSON", "config", "quant.cfg"])
def test_a_file_that_starts_like_json_is_a_configuration(name: str, capsys: Captured) -> None:
    Path(name).write_text("\n { }")
    assert check(capsys, name)[1] == [f"QC516 {name}"]


def test_a_file_that_is_named_like_json_is_a_configuration(capsys: Captured) -> None:
    Path("a.json").write_text("batch_num: 2")
    assert check(capsys, "a.json")[1] == ["QC121 a.json"]


def test_a_network_is_not_a_request(capsys: Captured) -> None:
    assert check(capsys, "deploy.prototxt")[1] == ["QC212 deploy.prototxt"]


@pytest.mark.parametrize("name", [None, "quant.cfg", "some where/quant.cfg"])
def test_standard_input_is_checked_under_the_name_that_is_given(
    name: str | None, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, SLIP)
    given = () if name is None else ("--stdin-filename", name)
    shown = name or "<stdin>"
    assert check(capsys, "-", *given)[1] == [f"QC201 {shown}"]


def stand_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Set the content of standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required: FILE"),
        (["good.cfg", "--weights", "weights.caffemodel"], "--weights requires --model"),
        (["-", "good.cfg", "-"], "standard input can be read only once"),
        (["good.cfg", "--fix", "--diff"], "not allowed with"),
        (["good.cfg", "--format", "xml"], "invalid choice: 'xml'"),
        (["good.cfg", "--ignore", "QC999"], 'unknown code "QC999"'),
        (["good.cfg", "--ignore", "QC42"], 'unknown code "QC42"; did you mean QC4'),
        (["good.cfg", "--ignore", "QC425,QC401"], "QC401 is an error and cannot be ignored"),
    ],
)
def test_a_usage_error_has_status_2(arguments: list[str], said: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["check", *arguments])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


# --- what counts


def test_warnings_alone_have_status_0(capsys: Captured) -> None:
    assert check(capsys, "warned.cfg")[0] == 0


def test_strict_takes_warnings_for_errors(capsys: Captured) -> None:
    status, found, summary = check(capsys, "warned.cfg", "--strict")
    assert (status, found) == (1, ["QC425 warned.cfg"])
    assert summary == "1 file checked: 1 error, 0 warnings\n"


def test_strict_leaves_notes_as_they_are(capsys: Captured) -> None:
    Path("config.json").write_text('{"conv1": {}}')
    assert check(capsys, "config.json", *MODEL, "--strict")[:2] == (0, ["QC517 config.json"])


@pytest.mark.parametrize("ignored", ["QC425", "qc425", "QC423,QC425", "QC425, QC423"])
def test_what_is_ignored_is_left_out_also_when_it_is_strict(ignored: str, capsys: Captured) -> None:
    assert check(capsys, "warned.cfg", "--ignore", ignored, "--strict")[:2] == (0, [])


def test_ignore_may_be_given_again(capsys: Captured) -> None:
    assert check(capsys, "warned.cfg", "--ignore", "QC425", "--ignore", "QC423")[1] == []


def test_a_strict_compile_writes_nothing_if_there_is_a_warning(capsys: Captured) -> None:
    arguments = ["compile", *MODEL, "--config", "warned.cfg", "-o", "out.json"]
    assert cli.main([*arguments, "--strict"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "1 error, 0 warnings; nothing was written"
    assert not Path("out.json").exists()
    assert cli.main([*arguments, "--strict", "--ignore", "QC425"]) == 0
    assert capsys.readouterr().err == "out.json: 3 layers quantized, 0 skipped, 0 fused, 0 warnings\n"


def test_compile_reports_in_the_requested_format(capsys: Captured) -> None:
    assert cli.main(["compile", *MODEL, "--config", "slip.cfg", "--format", "json"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert [each["code"] for each in json.loads(err)["diagnostics"]] == ["QC201", "QC401", "QC401"]


def test_a_plain_option_has_no_file(capsys: Captured) -> None:
    assert cli.main(["compile", *MODEL, "--skip-layer", "fd", "--format", "json"]) == 1
    (diagnostic,) = json.loads(capsys.readouterr().err)["diagnostics"]
    assert diagnostic["file"] is None
    assert diagnostic["start"] == {"line": 1, "column": 14}


# --- colour


@pytest.mark.parametrize(
    ("color", "variables", "terminal", "colored"),
    [
        ("auto", {}, False, False),
        ("auto", {}, True, True),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {}, True, False),
    ],
)
def test_color_is_for_terminals_by_default(
    color: str,
    variables: dict[str, str],
    terminal: bool,
    colored: bool,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    cli.main(["check", "slip.cfg", "--color", color])
    assert ("\x1b[" in capsys.readouterr().out) == colored


# --- fixes


def test_a_fix_changes_only_what_was_wrong(capsys: Captured) -> None:
    status, found, summary = check(capsys, "--fix", "slip.cfg", "good.cfg", *MODEL)
    assert (status, found) == (1, ["QC401 slip.cfg"])
    assert summary == "2 files checked: 2 fixed; 1 error, 0 warnings left\n"
    assert Path("slip.cfg").read_bytes() == FIXED.encode()
    assert Path("good.cfg").read_bytes() == GOOD.encode()


def test_a_fixed_file_keeps_its_mode_and_a_link_stays(capsys: Captured) -> None:
    Path("slip.cfg").chmod(0o604)
    Path("link.cfg").symlink_to("slip.cfg")
    check(capsys, "--fix", "link.cfg", *MODEL)
    assert Path("link.cfg").is_symlink()
    assert stat.S_IMODE(Path("slip.cfg").stat().st_mode) == 0o604
    assert Path("slip.cfg").read_bytes() == FIXED.encode()


def test_a_file_with_nothing_to_fix_is_not_written(capsys: Captured) -> None:
    before = written("good.cfg")
    check(capsys, "--fix", "good.cfg")
    assert written("good.cfg") == before


def written(name: str) -> tuple[int, int, int]:
    """Return which file a name belongs to, and when it was last written."""
    status = Path(name).stat()
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def test_what_a_fix_shows_is_fixed_as_well(capsys: Captured) -> None:
    Path("twice.cfg").write_text('skip_layers = "fc"\nskip_layers: “fc”\n')
    assert check(capsys, "--fix", "twice.cfg") == (
        0,
        [],
        "1 file checked: 3 fixed; 0 errors, 0 warnings left\n",
    )
    assert Path("twice.cfg").read_text() == 'skip_layers : "fc"\n'


def test_fixes_of_lines_beside_each_other_are_made_at_once(capsys: Captured) -> None:
    Path("slip.cfg").write_text('skip_layers: "fc"\n' * 4)
    check(capsys, "--fix", "slip.cfg")
    assert Path("slip.cfg").read_text() == 'skip_layers: "fc"\n'


def test_a_flag_is_not_changed_where_brackets_may_be_missing(capsys: Captured) -> None:
    text = """\
override_layer_types {
  layer_type: "InnerProduct"
  calibration_config { arq_quantize { channel_wise: false } }
}
override_layer#_configs {
  layer_name: "conv1"
  calibration_config { arq_quantize { channel_wise: true } }
}
"""
    Path("slip.cfg").write_text(text)
    check(capsys, "--fix", "slip.cfg", *MODEL)
    assert Path("slip.cfg").read_text() == text


def test_what_starts_with_a_brace_is_a_configuration(capsys: Captured) -> None:
    Path("some.cfg").write_text("{'conv1': {}}")
    assert check(capsys, "some.cfg")[:2] == (1, ["QC122 some.cfg"])


def test_what_is_ignored_is_not_fixed(capsys: Captured) -> None:
    text = "# two batches\rbatch_num: 2\n"
    Path("old.cfg").write_bytes(text.encode())
    check(capsys, "--fix", "old.cfg", "--ignore", "QC115")
    assert Path("old.cfg").read_bytes() == text.encode()
    check(capsys, "--fix", "old.cfg")
    assert Path("old.cfg").read_bytes() == b"# two batches\nbatch_num: 2\n"


def test_what_could_be_fixed_in_the_model_is_not_counted(capsys: Captured) -> None:
    text = Path("deploy.prototxt").read_text()
    Path("deploy.prototxt").write_text(text.replace("num_output: 8", "num_output: 8 bias_trem: true"))
    _, found, summary = check(capsys, "good.cfg", *MODEL)
    assert set(found) == {"QC314 deploy.prototxt"}
    assert "can be fixed" not in summary


def test_a_difference_is_shown_and_nothing_is_changed(capsys: Captured) -> None:
    assert cli.main(["check", "--diff", "slip.cfg", "good.cfg"]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "--- slip.cfg",
        "+++ slip.cfg (fixed)",
        "@@ -1,4 +1,4 @@",
        " # kept",
        "-batchnum: 2 # kept, too",
        "+batch_num: 2 # kept, too",
        ' skip_layers: "cnov1"\t',
        ' skip_fusion_layers: "nowhere"',
    ]
    assert err == "2 files checked: 1 can be fixed; 0 errors, 0 warnings left\n"
    assert Path("slip.cfg").read_bytes() == SLIP.encode()


def test_without_a_difference_there_is_nothing_to_show(capsys: Captured) -> None:
    assert cli.main(["check", "--diff", "good.cfg"]) == 0
    assert capsys.readouterr().out == ""


def test_standard_input_is_fixed_onto_standard_output(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, SLIP)
    assert cli.main(["check", "--fix", "-", *MODEL]) == 1
    out, err = capsys.readouterr()
    assert out == FIXED
    assert err.splitlines()[0] == '<stdin>:4:21: error[QC401]: layer "nowhere" does not exist'
    assert err.splitlines()[-1] == "1 file checked: 2 fixed; 1 error, 0 warnings left"


def test_a_file_that_is_not_utf_8_is_checked_and_not_fixed(capsys: Captured) -> None:
    content = "# \u5377\u79ef\nbatchnum: 2\n".encode("gb18030")
    Path("gbk.cfg").write_bytes(content)
    assert check(capsys, "--fix", "gbk.cfg")[:2] == (1, ["QC102 gbk.cfg", "QC201 gbk.cfg"])
    assert Path("gbk.cfg").read_bytes() == content


def test_a_file_that_cannot_be_written_is_reported_and_stays(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    status, found, _ = check(capsys, "--fix", "slip.cfg")
    assert (status, found) == (1, ["QC502 slip.cfg", "QC201 slip.cfg"])
    assert Path("slip.cfg").read_bytes() == SLIP.encode()
    assert sorted(os.listdir()) == sorted(
        ["config.json", "deploy.prototxt", "good.cfg", "slip.cfg", "warned.cfg", "weights.caffemodel"]
    )


# --- rule


def test_a_rule_is_explained_by_its_page(capsys: Captured) -> None:
    page = (Path(__file__).parents[2] / "docs/diagnostics/QC409.md").read_text(encoding="utf-8")
    assert cli.main(["rule", "qc409"]) == 0
    assert capsys.readouterr().out == page


def test_all_rules_are_listed(capsys: Captured) -> None:
    assert cli.main(["rule"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "QC101  error    unreadable file" in lines
    assert len(lines) > 70


def test_a_code_that_is_none_has_status_2(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["rule", "QC099"])
    assert caught.value.code == 2
    assert 'unknown code "QC099"' in capsys.readouterr().err
