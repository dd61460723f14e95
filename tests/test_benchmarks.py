"""The parts of the benchmarks; no test depends on what they measure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import onnx
import pytest

from benchmarks import inputs, measure, pages, report
from benchmarks.__main__ import main
from benchmarks.comparisons import (
    Result,
    advised_network,
    advising,
    generated_model,
    growth_of_onnx,
    reading_onnx,
    small_request,
)
from benchmarks.measure import HAS_MEMORY, Costs
from benchmarks.stages import shares
from quantcfg import cli

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def test_the_stages_of_a_compile_are_its_whole_time(tmp_path: Path) -> None:
    parts = shares(generated_model(tmp_path), small_request(tmp_path), tmp_path / "config.json")
    assert {"imports", "prototxt to syntax tree", "passes", "validation", "the rest"} <= parts.keys()
    assert sum(parts.values()) == pytest.approx(1)


def test_a_goal_is_met_or_missed_by_the_ratio() -> None:
    results = [
        Result("a", "b", Costs(1, 2), goal=0.5),
        Result("a", "b", Costs(2, 1), goal=1),
        Result("a", "b", Costs(2, 1)),
    ]
    assert [result.verdict for result in results] == ["met", "missed", ""]
    assert report.summary(results) == "1 of 2 goals met"
    assert report.summary(results[2:]) == ""
    assert report.line(results[0]).split() == ["a", "b", "0.50", "0.5", "met", "1.0", "ms", "2.0", "ms"]


def test_small_stages_are_with_the_rest() -> None:
    shares = {"imports": 0.5, "passes": 0.485, "validation": 0.005, "the rest": 0.01}
    assert report.stages(shares).endswith(": imports 50%, passes 48%, the rest 2%.")


def test_the_errors_of_a_prototxt_that_does_not_compile_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "deploy.prototxt"
    model.write_text('layer { name: "data" type: "Input" top: "data" }\n')
    assert main([str(model)]) == 1
    out, err = capsys.readouterr()
    assert (out, "error[QC406]" in err) == ("", True)


def test_a_prototxt_that_protobuf_cannot_read_has_nothing_to_compare_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = generated_model(tmp_path)
    model.write_text(model.read_text() + "input_dim: - # protobuf wants the number here\n1\n")
    assert main([str(model)]) == 1
    assert "protobuf cannot read the prototxt" in capsys.readouterr().err


def test_only_the_results_of_the_generated_prototxt_are_kept(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path / "deploy.prototxt"), "--write"])
    assert caught.value.code == 2


def test_onnx_models_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_SECONDS", 0)
    found = [*reading_onnx(tmp_path, 2**20), *growth_of_onnx(tmp_path, (2, 20, 200))]
    assert len(found) == 3 + HAS_MEMORY
    assert all(result.goal and result.costs.ours > 0 for result in found if result.unit == "ms")


def test_a_generated_onnx_model_is_one_for_others_too(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    inputs.write_onnx(path, 3, 3 * 64 * 64 * 9 * 4)
    model = onnx.load(path)
    assert [node.op_type for node in model.graph.node] == ["Conv"] * 3
    assert [len(tensor.raw_data) for tensor in model.graph.initializer] == [64 * 64 * 9 * 4] * 3
    assert path.stat().st_blocks * 512 < path.stat().st_size


@pytest.mark.deep
def test_advice_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_SECONDS", 0)
    found = [*advising(tmp_path, 1, 8, 4, 1_000)]
    assert len(found) == 2 + HAS_MEMORY
    assert [result.goal for result in found] == [1, None, 1][: len(found)]
    assert all(result.costs.ours > 0 for result in found)


def test_generated_weights_fit_their_prototxt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, weights = advised_network(tmp_path, 8, 4)
    assert cli.main(["advise", "--model", str(model), "--weights", str(weights), "--format", "json"]) == 0
    advice = json.loads(capsys.readouterr().out)
    assert [each["weights"] is not None for each in advice["layers"]] == [True, False, False, False] * 2
    assert advice["layers"][0]["parameters"] == 4 * 4 * 9
    assert {each["kind"] for each in advice["advice"]} == {"rule"}


def test_a_benchmark_replaces_only_its_results(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- results: make x -->\nold\n<!-- end of results -->\nafter\n")
    for content in ("first\n", pages.table(("a", "b"), [("1", "2")])):
        pages.replace_results(page, content)
    assert page.read_text() == (
        "before\n<!-- results: make x -->\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n"
        "<!-- end of results -->\nafter\n"
    )
