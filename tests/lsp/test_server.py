"""The server as a process: which text and model it uses, and its answers in the protocol."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from quantcfg.lsp.server import SHOW_COMPILED, Server, make_server
from tests.lsp.client import Client, Message, conversation, position, span, started
from tests.networks import conv, net, pool

pytestmark = pytest.mark.slow

SNIPPETS = {"textDocument": {"completion": {"completionItem": {"snippetSupport": True}}}}
NET = net(conv("conv1"), pool("🦊", "conv1"), conv("conv2", "🦊"))
REQUEST = '# quantcfg-model: deploy.prototxt\nskip_layers: "🦊" skip_layers: "cnov1"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a directory with a model."""
    (tmp_path / "deploy.prototxt").write_text(NET, encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Return a server for all tests that need no other settings."""
    with conversation(tmp_path_factory.mktemp("root")) as client:
        yield client


@pytest.fixture
def client(server: Client) -> Iterator[Client]:
    """Return that server; what a test opens is closed behind it."""
    yield server
    for uri in server.opened.copy():
        server.close(uri)


def codes(diagnostics: list[Message]) -> list[str]:
    return [each["code"] for each in diagnostics]


def at(uri: str, text: str, what: str, shift: int = 0) -> Message:
    place = position(text, text.index(what) + shift)
    return {"textDocument": {"uri": uri}, "position": place}


def uri_in(folder: Path, name: str = "quant.cfg") -> str:
    return (folder / name).as_uri()


def replaced(client: Client, uri: str, version: int, text: str) -> list[Message]:
    client.edit(uri, version, text)
    return client.diagnostics(uri, version)


def test_a_diagnostic_has_its_place_in_units_of_utf_16_and_its_related_places(
    folder: Path, client: Client
) -> None:
    uri, text = uri_in(folder), REQUEST.replace("cnov1", "🦊")
    client.open(uri, text)
    (found,) = client.diagnostics(uri, 1)
    again = text.rindex('"🦊"')
    assert found["range"] == span(text, again, again + 3)
    assert found["range"]["start"]["character"] == 31
    assert [each["location"]["uri"] for each in found["relatedInformation"]] == [uri]


def test_answers_are_about_the_text_that_is_not_saved(folder: Path, client: Client) -> None:
    uri = uri_in(folder)
    (folder / "quant.cfg").write_text("batch_num: 1")
    client.open(uri, REQUEST)
    assert codes(client.diagnostics(uri, 1)) == ["QC401"]
    client.edit(uri, 2, "batch_num: 0")
    assert codes(client.diagnostics(uri, 2)) == ["QC501"]
    assert client.request("textDocument/hover", at(uri, "batch_num: 0", "batch_num"))


def test_an_open_prototxt_counts_before_its_file(folder: Path, client: Client) -> None:
    uri, model = uri_in(folder), uri_in(folder, "deploy.prototxt")
    client.open(uri, REQUEST)
    assert codes(client.diagnostics(uri, 1)) == ["QC401"]
    client.open(model, NET + "# unsaved", language="prototxt")
    assert codes(client.diagnostics(uri, 1)) == ["QC401"]
    client.edit(model, 2, NET + conv("cnov1", "conv1"))
    assert codes(client.diagnostics(uri, 1)) == []
    client.close(model)
    assert codes(client.diagnostics(uri, 1)) == ["QC401"]


def test_a_model_that_changes_on_the_disk_is_read_again(folder: Path, client: Client) -> None:
    uri, model = uri_in(folder), folder / "deploy.prototxt"
    client.open(uri, REQUEST)
    assert codes(client.diagnostics(uri, 1)) == ["QC401"]
    model.write_text(NET + conv("cnov1", "conv1"), encoding="utf-8")
    client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": model.as_uri(), "type": 2}]})
    assert codes(client.diagnostics(uri, 1)) == []
    model.write_text(NET, encoding="utf-8")
    assert codes(replaced(client, uri, 2, REQUEST + "\n")) == ["QC401"]


def test_a_client_that_can_watch_files_is_asked_to(folder: Path) -> None:
    watching = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}
    with conversation(folder, capabilities=watching) as client:
        client.open(uri_in(folder), "")
        client.diagnostics(uri_in(folder), 1)
        (asked,) = (each for each in client.seen if each.get("method") == "client/registerCapability")
    watchers = asked["params"]["registrations"][0]["registerOptions"]["watchers"]
    assert [each["globPattern"] for each in watchers] == [
        "**/quantcfg.toml",
        "**/*.prototxt",
        "**/*.caffemodel",
        "**/*.onnx",
    ]


def test_the_client_may_name_the_model_now_or_later(folder: Path) -> None:
    uri, text = uri_in(folder), 'skip_layers: "cnov1"'
    with conversation(folder) as client:
        client.open(uri, text)
        assert codes(client.diagnostics(uri, 1)) == []
        client.notify(
            "workspace/didChangeConfiguration", {"settings": {"quantcfg": {"model": "deploy.prototxt"}}}
        )
        assert codes(client.diagnostics(uri, 1)) == ["QC401"]
    with conversation(folder, initializationOptions={"model": "deploy.prototxt"}) as client:
        client.open(uri, text)
        assert codes(client.diagnostics(uri, 1)) == ["QC401"]


def test_settings_that_cannot_be_used_are_reported_once(folder: Path) -> None:
    uri = uri_in(folder)
    (folder / "quantcfg.toml").write_text('model = 1\nedition = "caff"')
    with conversation(folder) as client:
        client.open(uri, "batch_num: 1")
        client.diagnostics(uri, 1)
        replaced(client, uri, 2, "batch_num: 2")
        shown = [each["params"] for each in client.seen if each.get("method") == "window/showMessage"]
    assert [each["message"] for each in shown] == [
        f"{folder / 'quantcfg.toml'}: {message}"
        for message in ('"model" must be a string, not 1', 'unknown value "caff" for "edition"')
    ]


def test_without_a_network_the_edition_is_that_of_the_settings(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "workspace", SimpleNamespace(root_path=None))
    uri, server = uri_in(folder), make_server(str(folder))
    assert server.document(uri).edition.name == "caffe"
    (folder / "quantcfg.toml").write_text('edition = "onnx"')
    assert server.document(uri).edition_name == "onnx"
    (folder / "quantcfg.toml").write_text('edition = "onnx"\nmodel = "deploy.prototxt"')
    assert server.document(uri).edition.name == "caffe"


def test_a_configuration_and_a_prototxt_are_checked_too(folder: Path, client: Client) -> None:
    config, model = uri_in(folder, "config.json"), uri_in(folder, "deploy.prototxt")
    (folder / "quantcfg.toml").write_text('model = "deploy.prototxt"\nconfig = "quant.cfg"')
    (folder / "quant.cfg").write_text("batch_num: 3")
    client.open(config, '{"cnov1": {}, "batch_num": 0}', language="json")
    assert codes(client.diagnostics(config, 1)) == ["QC517", "QC514", "QC501"]
    said = client.request("textDocument/hover", at(config, '{"cnov1": {}, "batch_num": 0}', "batch_num"))
    assert "at least 1; default 1" in said["contents"]["value"]
    assert "batch_num  3  batch_num (quant.cfg:1:12)" in said["contents"]["value"]
    client.open(model, "layer { name: 1 }", language="prototxt")
    (found,) = client.diagnostics(model, 1)
    assert found["range"] == span("layer { name: 1 }", 14, 15)
    client.edit(model, 2, "layer{name:'a'}")
    (edit,) = client.request(
        "textDocument/formatting",
        {"textDocument": {"uri": model}, "options": {"tabSize": 2, "insertSpaces": True}},
    )
    assert edit["newText"] == " {\n  name: 'a'\n}\n"


@pytest.mark.parametrize(("capabilities", "snippets"), [({}, False), (SNIPPETS, True)])
def test_snippets_are_for_clients_that_know_them(
    folder: Path, capabilities: dict[str, Any], snippets: bool
) -> None:
    uri = uri_in(folder)
    with conversation(folder, capabilities=capabilities) as client:
        client.open(uri, "comm")
        items = client.request("textDocument/completion", at(uri, "comm", "comm", 4))
    (item,) = (each for each in items if each["label"] == "common_config")
    assert item["textEdit"]["newText"] == ("common_config {\n  $0\n}" if snippets else "common_config {")
    assert item["insertTextFormat"] == (2 if snippets else 1)
    assert item["textEdit"]["range"] == span("comm", 0, 4)
    assert [each["sortText"] for each in items] == sorted(each["sortText"] for each in items)


def test_places_are_found_in_the_prototxt_and_back(folder: Path, client: Client) -> None:
    uri, model = uri_in(folder), uri_in(folder, "deploy.prototxt")
    client.open(uri, REQUEST)
    (location,) = client.request("textDocument/definition", at(uri, REQUEST, "🦊"))
    assert location == {"uri": model, "range": span(NET, NET.index('"🦊"'), NET.index('"🦊"') + 3)}
    client.open(model, NET, language="prototxt")
    asked = {**at(model, NET, '"🦊"', 1), "context": {"includeDeclaration": False}}
    found = client.request("textDocument/references", asked)
    start = REQUEST.index('"🦊"')
    assert {"uri": uri, "range": span(REQUEST, start, start + 3)} in found


def test_actions_are_those_that_are_requested(folder: Path, client: Client) -> None:
    uri = uri_in(folder)

    def asked(text: str, only: list[str] | None) -> list[Message]:
        context = {"diagnostics": [], **({} if only is None else {"only": only})}
        params = {"textDocument": {"uri": uri}, "range": span(text, 0, len(text)), "context": context}
        return list(client.request("textDocument/codeAction", params))

    client.open(uri, REQUEST)
    fix, every = asked(REQUEST, None)
    assert [each["title"] for each in asked(REQUEST, ["quickfix"])] == [fix["title"]]
    assert [each["title"] for each in asked(REQUEST, ["source"])] == [every["title"]]
    assert asked(REQUEST, ["refactor"]) == []
    (edit,) = fix["edit"]["changes"][uri]
    start = REQUEST.index('"cnov1"')
    assert edit == {"range": span(REQUEST, start, start + 7), "newText": '"conv1"'}
    assert fix["isPreferred"]
    assert codes(fix["diagnostics"]) == ["QC401"]


def test_tokens_hints_folds_and_symbols_are_in_units_of_utf_16(folder: Path, client: Client) -> None:
    uri, text = uri_in(folder), '# quantcfg-model: deploy.prototxt\n# 🦊\nskip_layer_types: "Pooling" # 🦊 é'
    document = {"textDocument": {"uri": uri}}
    client.open(uri, text)
    tokens = client.request("textDocument/semanticTokens/full", document)["data"]
    assert [tokens[index : index + 3] for index in range(0, len(tokens), 5)] == [
        [0, 0, 33],
        [1, 0, 4],
        [1, 0, 16],
        [0, 18, 9],
        [0, 10, 6],
    ]
    (hint,) = client.request("textDocument/inlayHint", {**document, "range": span(text, 0, len(text))})
    assert (hint["position"], hint["label"]) == ({"line": 2, "character": 27}, "1 layer")
    (fold,) = client.request("textDocument/foldingRange", document)
    assert (fold["startLine"], fold["endLine"], fold["kind"]) == (0, 1, "comment")
    (symbol,) = client.request("textDocument/documentSymbol", document)
    assert (symbol["name"], symbol["detail"]) == ("skip_layer_types", '"Pooling"')


def test_the_compiled_json_is_shown_where_the_client_can(folder: Path) -> None:
    uri = uri_in(folder)
    can_show = {"window": {"showDocument": {"support": True}}}
    with conversation(folder, capabilities=can_show) as client:
        client.open(uri, "# quantcfg-model: deploy.prototxt\n")
        (lens,) = client.request("textDocument/codeLens", {"textDocument": {"uri": uri}})
        command = lens["command"]
        assert (
            command["title"] == "show the compiled JSON for deploy.prototxt (3 layers quantized, 0 skipped)"
        )
        assert command["command"] == SHOW_COMPILED
        text = client.request("workspace/executeCommand", {**command, "title": None})
        assert text.startswith('{\n    "version":1,')
        client.diagnostics(uri, 1)
        assert replaced(client, uri, 2, "batch_num: 0")
        (lens,) = client.request("textDocument/codeLens", {"textDocument": {"uri": uri}})
        assert lens["command"]["title"].startswith("no model: ")
        assert client.request("workspace/executeCommand", {**command, "title": None}) is None
        (shown,) = (each for each in client.seen if each.get("method") == "window/showDocument")
    path = Path(shown["params"]["uri"].removeprefix("file://"))
    assert not path.exists(), "what was shown is cleared away at the end"


def test_of_what_is_not_open_nothing_is_shown(folder: Path) -> None:
    with conversation(folder) as client:
        for uri in ("file:///nowhere.cfg", 3, None):
            command = {"command": SHOW_COMPILED, "arguments": [uri]}
            assert client.request("workspace/executeCommand", command) is None
        said = [each for each in client.seen if each.get("method") == "window/showMessage"]
    assert [each["params"]["message"] for each in said] == [
        '"file:///nowhere.cfg" is not open',
        '"3" is not open',
        '"None" is not open',
    ]


def test_what_is_not_open_has_empty_answers(folder: Path, client: Client) -> None:
    uri = uri_in(folder)
    assert client.request("textDocument/documentSymbol", {"textDocument": {"uri": uri}}) == []
    client.close(uri)
    client.open("untitled:Untitled-1", "batch_num: 0")
    assert codes(client.diagnostics("untitled:Untitled-1", 1)) == ["QC501"]


@pytest.mark.parametrize("shuts_down", [True, False])
def test_exit_ends_the_process_while_the_client_goes_on(folder: Path, shuts_down: bool) -> None:
    with started(folder) as client:
        client.open(uri_in(folder), REQUEST)
        if shuts_down:
            client.request("shutdown", None)
        client.notify("exit", None)
        assert client.process.wait(100) == (0 if shuts_down else 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_process_while_the_client_goes_on(
    number: signal.Signals, folder: Path, tmp_path: Path
) -> None:
    shown = tmp_path / "shown"
    shown.mkdir()
    # Where the tests are started with a signal ignored, the server would inherit that.
    heed = partial(signal.signal, number, signal.SIG_DFL)
    with started(folder, variables={"TMPDIR": str(shown)}, before=heed) as client:
        assert list(shown.iterdir())
        client.process.send_signal(number)
        assert client.process.wait(100) == 128 + number
        assert not list(shown.iterdir())


def test_a_request_that_is_none_is_answered(folder: Path) -> None:
    with started(folder, stderr=subprocess.DEVNULL) as client:
        for wrong in ({}, 5, {"textDocument": {"uri": 1}, "position": {"line": "x"}}):
            with pytest.raises(AssertionError, match="-32602"):
                client.request("textDocument/hover", wrong)


@pytest.mark.parametrize("name", ["a" * 250 + ".cfg", "a%00b.cfg", "%F0%9F%A6%8A" * 60 + ".cfg"])
def test_the_compiled_json_of_a_file_with_any_name_is_shown(name: str, folder: Path) -> None:
    uri = f"{folder.as_uri()}/{name}"
    can_show = {"window": {"showDocument": {"support": True}}}
    with conversation(folder, capabilities=can_show) as client:
        client.open(uri, "# quantcfg-model: deploy.prototxt\n")
        command = {"command": SHOW_COMPILED, "arguments": [uri]}
        assert client.request("workspace/executeCommand", command).startswith('{\n    "version":1,')


def test_files_of_one_name_are_shown_in_places_of_their_own(folder: Path) -> None:
    can_show = {"window": {"showDocument": {"support": True}}}
    with conversation(folder, capabilities=can_show) as client:
        for place in ("a", "b", "a"):
            uri = f"{folder.as_uri()}/{place}/quant.cfg"
            client.open(uri, "# quantcfg-model: ../deploy.prototxt\n")
            client.request("workspace/executeCommand", {"command": SHOW_COMPILED, "arguments": [uri]})
        client.request("textDocument/codeLens", {"textDocument": {"uri": uri}})
        shown = [each["params"]["uri"] for each in client.seen if each.get("method") == "window/showDocument"]
    assert len(shown) == 3
    assert len(set(shown)) == 2
    assert {Path(each).name for each in shown} == {"quant.json"}


def test_without_pygls_the_command_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "pygls").mkdir()
    (tmp_path / "pygls" / "__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'pygls'\", name='pygls')"
    )
    done = subprocess.run(
        [sys.executable, "-m", "quantcfg", "lsp"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "the language server requires pygls: pip install 'quantcfg[lsp]'\n"


def test_hints_are_requested_again_when_the_model_changes(folder: Path) -> None:
    uri, model = uri_in(folder), folder / "deploy.prototxt"
    refreshing = {"inlayHint": {"refreshSupport": True}, "codeLens": {"refreshSupport": True}}
    with conversation(folder, capabilities={"workspace": refreshing}) as client:
        client.open(uri, REQUEST)
        client.diagnostics(uri, 1)
        assert not [each for each in client.seen if str(each.get("method")).endswith("/refresh")]
        model.write_text(NET + conv("cnov1", "conv1"), encoding="utf-8")
        client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": model.as_uri(), "type": 2}]})
        client.diagnostics(uri, 1)
        client.request("textDocument/codeLens", {"textDocument": {"uri": uri}})
        asked = {each["method"] for each in client.seen if str(each.get("method")).endswith("/refresh")}
    assert asked == {"workspace/inlayHint/refresh", "workspace/codeLens/refresh"}
