"""VS Code's JSON engine with the published schema and with that of a network.

Beside each document is what is said of it: every problem with its range, and for
each mark "¦", where the cursor is, the hover or the completions. "pytest
--update-golden" writes what is said now; look at it before it is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quantcfg import config_schema, read_model
from tests.editors.node import run
from tests.onnx.models import batch_norm, conv, network, node

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CURSOR = "¦"

DOCUMENTS = sorted(Path(__file__).parent.glob("json/*/*.json"))

ONNX = network(
    conv("conv1"),
    batch_norm("bn1", "conv1_out"),
    node("Add", ["bn1_out", "data"], ["sum"], name="add"),
    node("MatMul", ["sum", "m"], ["y"], name="fc"),
    node("MatMul", ["y", "sum"], ["z"], name="both"),
)

SCHEMAS = {
    "generic": config_schema(),
    "model": config_schema(read_model(Path(__file__).parent / "json" / "model" / "deploy.prototxt")),
    "onnx": config_schema(ONNX),
}


@pytest.fixture(scope="module")
def answers() -> dict[Path, str]:
    """The diagnostics and answers for all documents, from one process."""
    marked = [file.read_text(encoding="utf-8") for file in DOCUMENTS]
    requests = [
        {
            "schema": SCHEMAS[file.parent.name],
            "text": text.replace(CURSOR, ""),
            "cursors": list(cursors(text)),
        }
        for file, text in zip(DOCUMENTS, marked, strict=True)
    ]
    said = run("languageservice.cjs", requests)
    return {
        file: "".join(shown(request, answer, "hovers" if file.stem == "hovers" else "completions"))
        for file, request, answer in zip(DOCUMENTS, requests, said, strict=True)
    }


def cursors(marked: str) -> Iterator[int]:
    """Yield the offsets of the cursors in the text without its marks."""
    pieces = marked.split(CURSOR)
    for index in range(1, len(pieces)):
        yield len("".join(pieces[:index]))


def shown(request: Any, answer: Any, asked: str) -> Iterator[str]:
    """Yield the answers for a document as readable lines; asked is what is requested at its cursors."""
    for problem in answer["problems"]:
        start, end = (place(problem["range"][key]) for key in ("start", "end"))
        yield f"{start}-{end}: {problem['message']}\n"
    for offset, at in zip(request["cursors"], answer["cursors"], strict=True):
        *earlier, line = request["text"][:offset].split("\n")
        yield f"\n--- {len(earlier) + 1}:{len(line) + 1} {line.strip()}{CURSOR}\n"
        yield from map(hover if asked == "hovers" else completion, at[asked])


def place(position: Any) -> str:
    return f"{position['line'] + 1}:{position['character'] + 1}"


def hover(text: str) -> str:
    return f"{text}\n"


def completion(item: Any) -> str:
    detail = f" ({item['detail']})" if item.get("detail") else ""
    said = f"\n{indented(item['documentation'], '      -- ')}" if item.get("documentation") else ""
    return f"  {item['label']}{detail}\n{indented(item['inserts'], '      ')}{said}\n"


def indented(text: str, by: str) -> str:
    return "\n".join(f"{by}{line}".rstrip() for line in text.splitlines())


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_the_diagnostics_of_a_document_are_as_expected(
    file: Path, answers: dict[Path, str], request: pytest.FixtureRequest
) -> None:
    golden = file.with_suffix(".txt")
    if request.config.getoption("update_golden"):
        golden.write_text(answers[file], encoding="utf-8")
    assert answers[file] == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_validator_that_is_strict_takes_the_schema_with_the_documented_keywords(name: str) -> None:
    page = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
    vocabulary = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    configs = [{"conv1": {}}, {"conv1": {"weight_quant_params": {"num_steps": 16}}}, {"batch_num": 0}]
    request = {"schema": SCHEMAS[name], "vocabulary": vocabulary, "configs": configs}
    assert run("ajv.cjs", request) == [True, False, False]
    with pytest.raises(AssertionError, match="strict mode: unknown keyword"):
        run("ajv.cjs", {**request, "vocabulary": []})


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_has_documents_with_and_without_problems(name: str) -> None:
    stems = {file.stem for file in DOCUMENTS if file.parent.name == name}
    assert stems == {"hovers", "keys", "problems", "values"}
