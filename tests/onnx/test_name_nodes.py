"""quantcfg name-nodes: unique names, and no other byte changes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import onnx
import pytest
from hypothesis import strategies as st
from onnx import ModelProto, NodeProto, TensorProto

from quantcfg.api import compile_config, load_model, name_nodes, write_config
from quantcfg.cli import main
from quantcfg.diagnostics import Diagnostic
from tests.laws import TWICE, calls, law
from tests.onnx.models import conv, graph, model, node, tensor
from tests.onnx.test_file import GRAPH, MODELS, NODE, UNKNOWN, write_large
from tests.shared import MODELS_ONNX, files, needs_shared
from tests.wire import encoded, length_field, number_field

NAME = 3

Captured = pytest.CaptureFixture[str]


def relu(name: str) -> NodeProto:
    return node("Relu", ["data"], ["out"], name=name)


def named(content: bytes) -> bytes:
    """Return a model with unique names."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "net.onnx")
        path.write_bytes(content)
        found: list[Diagnostic] = []
        made = name_nodes(path, str(Path(folder, "named.onnx")), found.append)
        assert made, found
        return b"".join(made.content)


def names(content: bytes) -> list[str]:
    return [each.name for each in onnx.load_model_from_string(content).graph.node]


def new_names(*nodes: NodeProto) -> list[str]:
    return names(named(model(*nodes).SerializeToString()))


# Names


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (["", "b", ""], ["Relu_0", "b", "Relu_2"]),
        (["a", "a", "a"], ["a", "a1", "a2"]),
        (["a", "a1", "a", "a"], ["a", "a1", "a2", "a3"]),
        (["a", "a", "a1"], ["a", "a2", "a1"]),
        (["", "Relu_0"], ["Relu_01", "Relu_0"]),
        (["Relu_1", ""], ["Relu_1", "Relu_11"]),
        (["a", "", "a", ""], ["a", "Relu_1", "a1", "Relu_3"]),
    ],
)
def test_a_name_is_kept_made_or_numbered(given: list[str], expected: list[str]) -> None:
    assert new_names(*map(relu, given)) == expected


def test_the_operator_is_without_its_domain() -> None:
    assert new_names(node("Own", ["data"], ["out"], domain="com.example")) == ["Own_0"]


@pytest.mark.slow
def test_equal_names_are_numbered_in_step_with_their_number() -> None:
    def work(count: int) -> int:
        content = model(*[relu("x")] * count).SerializeToString()
        return calls(lambda: named(content))

    assert new_names(*[relu("x")] * 1000)[-1] == "x999"
    assert work(2000) < TWICE * work(1000)


def test_subgraphs_stay_as_they_are() -> None:
    inner = graph(relu(""), relu("x"), relu("x"), initializers=[])
    content = named(model(relu("x"), node("If", ["data"], ["o"], then_branch=inner)).SerializeToString())
    made = onnx.load_model_from_string(content)
    assert [each.name for each in made.graph.node] == ["x", "If_1"]
    assert [each.name for each in made.graph.node[1].attribute[0].g.node] == ["", "x", "x"]


# Bytes


def parts(content: bytes, at: int = 0, *, level: int = 0) -> Iterator[bytes]:
    """Yield the fields of a file, and instead of the graph and its nodes those in them, without names."""
    end = len(content)
    while at < end:
        start = at
        tag, at = number(content, at)
        if tag & 7 == 3:
            at = after_group(content, at)
        elif tag & 7 == 0:
            _, at = number(content, at)
        elif tag & 7 == 2:
            length, at = number(content, at)
            inner, at = content[at : at + length], at + length
            if (level, tag >> 3) in ((0, GRAPH), (1, NODE)):
                yield b"("
                yield from parts(inner, level=level + 1)
                yield b")"
                continue
            if (level, tag >> 3) == (2, NAME):
                continue
        else:
            at += 8 if tag & 7 == 1 else 4
        yield content[start:at]


def number(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while content[at] >= 0x80:
        value |= (content[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | content[at] << shift, at + 1


def after_group(content: bytes, at: int) -> int:
    tag, at = number(content, at)
    while tag & 7 != 4:
        if tag & 7 == 3:
            at = after_group(content, at)
        elif tag & 7 == 0:
            _, at = number(content, at)
        elif tag & 7 == 2:
            length, at = number(content, at)
            at += length
        else:
            at += 8 if tag & 7 == 1 else 4
        tag, at = number(content, at)
    return at


def only_names_differ(before: bytes) -> None:
    after = named(before)
    assert list(parts(after)) == list(parts(before))
    found = names(after)
    assert len(set(found)) == len(found)
    assert "" not in found
    assert named(after) == after
    old = names(before)
    kept = [name for position, name in enumerate(old) if name and name not in old[:position]]
    assert [name for name in found if name in kept] == kept


@pytest.mark.slow
@needs_shared
@pytest.mark.parametrize("path", files(MODELS_ONNX, "*.onnx"), ids=lambda path: path.stem)
def test_of_a_real_model_only_names_differ_and_it_passes_the_checker(path: Path) -> None:
    before = path.read_bytes()
    only_names_differ(before)
    made = onnx.load_model_from_string(named(before))
    onnx.checker.check_model(made)


def differs_only_in_names(content: ModelProto, random: Random) -> None:
    if content.graph.node:
        content = ModelProto.FromString(content.SerializeToString())
        clear_external(content)
        only_names_differ(content.SerializeToString())
        only_names_differ(encoded(content, random, UNKNOWN))


def clear_external(message: object) -> None:
    assert hasattr(message, "ListFields")
    if isinstance(message, TensorProto):
        message.ClearField("data_location")
    for field, found in message.ListFields():
        if field.message_type:
            for each in found if field.is_repeated else (found,):
                clear_external(each)


test_of_a_generated_model_only_names_differ = law(MODELS, st.randoms(), examples=30)(differs_only_in_names)


def test_the_last_of_two_names_counts() -> None:
    twice = length_field(NODE, length_field(NAME, b"a") + length_field(4, b"Relu") + length_field(NAME, b"b"))
    after = named(number_field(1, 8) + length_field(GRAPH, twice * 2))
    assert names(after) == ["b", "b1"]


def test_a_name_that_is_not_utf8_is_replaced() -> None:
    content = model(relu("ax"), relu("ay"), relu("ok")).SerializeToString()
    after = named(content.replace(b"ax", b"a\xff").replace(b"ay", b"a\xfe"))
    assert names(after) == ["Relu_0", "Relu_1", "ok"]


def test_a_longer_name_makes_longer_lengths() -> None:
    # The length of the node is 127 before, and has two bytes then.
    padding = length_field(6, bytes(127 - 2 - 2 - 6))
    made = length_field(NODE, length_field(4, b"Relu") + length_field(NAME, b"") + padding)
    assert len(made) == 129
    before = number_field(1, 8) + length_field(GRAPH, made)
    after = named(before)
    assert names(after) == ["Relu_0"]
    assert list(parts(after)) == list(parts(before))


# Files


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.onnx").write_bytes(model(conv(""), conv("x", "a"), conv("x", "b")).SerializeToString())
    return tmp_path


def test_the_command_writes_the_model_and_says_how_many_are_renamed(capsys: Captured) -> None:
    assert main(["name-nodes", "net.onnx", "-o", "out/named.onnx"]) == 0
    assert names(Path("out/named.onnx").read_bytes()) == ["Conv_0", "x", "x1"]
    assert stat.S_IMODE(Path("out/named.onnx").stat().st_mode) == 0o640
    assert capsys.readouterr() == ("", "out/named.onnx: 2 nodes renamed\n")


def test_the_model_can_be_compiled_then() -> None:
    assert main(["compile", "--model", "net.onnx"]) == 1
    assert main(["name-nodes", "net.onnx", "-o", "named.onnx"]) == 0
    assert main(["compile", "--model", "named.onnx", "-o", "config.json"]) == 0


def test_standard_output_is_an_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["name-nodes", "net.onnx"]) == 0
    out, err = capfdbinary.readouterr()
    assert names(out) == ["Conv_0", "x", "x1"]
    assert err == b"2 nodes renamed\n"


def test_a_terminal_is_not_an_output(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with pytest.raises(SystemExit) as exited:
        main(["name-nodes", "net.onnx"])
    assert exited.value.code == 2
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1].partition("error: ")[2]) == (
        "",
        "the output is binary: use -o FILE, or redirect standard output",
    )


def test_standard_input_is_not_a_model(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["name-nodes", "-", "-o", "named.onnx"])
    assert exited.value.code == 2
    assert "MODEL must be a file, not standard input" in capsys.readouterr().err


def test_a_prototxt_with_its_own_suffix_needs_no_other_name(capsys: Captured) -> None:
    Path("deploy.prototxt").write_text("name: 'net'")
    assert main(["name-nodes", "deploy.prototxt", "-o", "named.onnx"]) == 1
    err = capsys.readouterr().err
    assert "is a prototxt, not an ONNX model" in err
    assert "help" not in err


def test_the_model_itself_is_not_replaced(capsys: Captured) -> None:
    before = Path("net.onnx").read_bytes()
    os.symlink("net.onnx", "link.onnx")
    for output in ("net.onnx", "link.onnx"):
        assert main(["name-nodes", "net.onnx", "-o", output]) == 1
        assert "is an input file" in capsys.readouterr().err
    assert Path("net.onnx").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "QC117"), (b"name: 'net'", "QC117"), (number_field(1, 8) + b"\x3a\xff", "QC332")],
)
def test_another_file_is_refused(content: bytes, code: str, capsys: Captured) -> None:
    Path("odd").write_bytes(content)
    assert main(["name-nodes", "odd", "-o", "named.onnx"]) == 1
    assert f"error[{code}]" in capsys.readouterr().err
    assert not Path("named.onnx").exists()


def test_a_file_that_cannot_be_written_leaves_nothing_behind(capsys: Captured) -> None:
    Path("file").write_text("")
    assert main(["name-nodes", "net.onnx", "-o", "file/named.onnx"]) == 1
    assert "error[QC502]" in capsys.readouterr().err
    assert sorted(os.listdir()) == ["file", "net.onnx"]


def test_a_model_that_changes_meanwhile_is_not_written() -> None:
    found: list[Diagnostic] = []
    made = name_nodes("net.onnx", "named.onnx", found.append)
    assert made
    Path("net.onnx").write_bytes(b"")
    with pytest.raises(ValueError, match="the model has changed"):
        b"".join(made.content)


def test_a_model_that_changes_before_it_is_edited_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def new_names(_: object) -> dict[int, str]:
        Path("net.onnx").write_bytes(b"")
        return {0: "x"}

    monkeypatch.setattr("quantcfg.editions.onnx.name_nodes.new_names", new_names)
    found: list[Diagnostic] = []
    assert name_nodes("net.onnx", "named.onnx", found.append) is None
    assert [each.message for each in found] == ['cannot read "net.onnx": the model has changed']


@pytest.mark.parametrize(
    "where", ["initializer", "constant", "subgraph", "training", "default of a function"]
)
def test_with_external_data_the_output_is_beside_the_model(where: str, capsys: Captured) -> None:
    external = tensor("e", 8, 3, 3, 3)
    external.data_location = TensorProto.EXTERNAL
    constant = node("Constant", [], ["k"], value=external)
    branch = node("If", ["data"], ["o"], then_branch=graph(constant, initializers=[]))
    default = onnx.AttributeProto(name="a", type=onnx.AttributeProto.TENSOR, t=external)
    function = onnx.FunctionProto(name="Block", domain="own", attribute_proto=[default])
    training = model(relu(""))
    training.training_info.add().initialization.initializer.append(external)
    content = {
        "initializer": model(relu(""), initializers=[external]),
        "training": training,
        "default of a function": model(relu(""), functions=[function]),
        "constant": model(constant),
        "subgraph": model(branch),
    }[where]
    Path("net.onnx").write_bytes(content.SerializeToString())
    Path("other").mkdir()
    assert main(["name-nodes", "net.onnx", "-o", "other/named.onnx"]) == 1
    assert "must be in the directory of the model, which has external data" in capsys.readouterr().err
    assert os.listdir("other") == []
    assert main(["name-nodes", "net.onnx", "-o", "-"]) == 1
    assert (
        "a model with external data must be a file in the directory of this data" in capsys.readouterr().err
    )
    assert main(["name-nodes", "net.onnx", "-o", "other/../named.onnx"]) == 0


def test_the_network_has_the_new_names() -> None:
    found: list[Diagnostic] = []
    made = name_nodes("net.onnx", "named.onnx", found.append)
    assert made
    network = made.read_network(found.append)
    assert network
    assert [layer.name for layer in network.layers] == ["Conv_0", "x", "x1"]
    assert load_model("net.onnx", None, lambda _: None) is None


def test_a_configuration_and_a_model_are_written_together_or_not_at_all(folder: Path) -> None:
    found: list[Diagnostic] = []

    def write(config: str, updated: str) -> bool:
        made = name_nodes("net.onnx", updated, found.append)
        assert made
        network = made.read_network(found.append)
        assert network
        return write_config(
            compile_config(network), config, ["net.onnx"], found.append, {updated: made.content}
        )

    Path("file").write_text("")
    assert not write("file/config.json", "named.onnx")
    assert not write("config.json", "file/named.onnx")
    assert sorted(path.name for path in folder.iterdir()) == ["file", "net.onnx"]
    assert write("config.json", "named.onnx")
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "file", "named.onnx", "net.onnx"]


_MEASURE = """
import resource, sys
from quantcfg.api import write_named_model
write_named_model(sys.argv[1], "/dev/null", print)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert write_named_model(sys.argv[2], "/dev/null", print)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_a_model_of_two_gigabytes_is_copied_without_loading_it() -> None:
    write_large(Path("large.onnx"))
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, "net.onnx", "large.onnx"], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 16 * 2**10
