"""The extension for VS Code: the content of the .vsix, and the extension when it runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

import quantcfg
from tests.editors import node

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "editors" / "vscode"
MANIFEST = json.loads((SOURCES / "package.json").read_text(encoding="utf-8"))
CONTRIBUTED = MANIFEST["contributes"]

FOLDER = "/home/me/net"


@pytest.fixture
def vsix() -> ZipFile:
    node.need_npm()
    return ZipFile(node.EXTENSION / "quantcfg.vsix")


# --- what it is


def test_the_vsix_holds_what_is_needed_and_no_more(vsix: ZipFile) -> None:
    assert set(vsix.namelist()) == {
        *("[Content_Types].xml", "extension.vsixmanifest"),
        *(f"extension/{name}" for name in ("package.json", "readme.md", "LICENSE.txt", "NOTICES.txt")),
        *("extension/dist/extension.js", "extension/language-configuration.json"),
        *(f"extension/syntaxes/{file.name}" for file in (SOURCES / "syntaxes").iterdir()),
    }
    assert vsix.testzip() is None


def test_the_vsix_is_built_from_these_sources(vsix: ZipFile) -> None:
    for name in ("package.json", "language-configuration.json", "syntaxes/quantcfg.tmLanguage.json"):
        assert vsix.read(f"extension/{name}") == (SOURCES / name).read_bytes()


def test_every_file_that_is_contributed_is_there(vsix: ZipFile) -> None:
    files = [MANIFEST["main"]]
    files += [language["configuration"] for language in CONTRIBUTED["languages"]]
    files += [grammar["path"] for grammar in CONTRIBUTED["grammars"]]
    assert {f"extension/{file.removeprefix('./')}" for file in files} <= set(vsix.namelist())


def test_every_bundled_package_has_its_licence(vsix: ZipFile) -> None:
    notices = vsix.read("extension/NOTICES.txt").decode()
    for name in ("vscode-languageclient", "vscode-jsonrpc", "minimatch", "semver"):
        assert f"==> {name}/" in notices


def test_every_language_has_a_grammar_of_its_own() -> None:
    languages = {language["id"] for language in CONTRIBUTED["languages"]}
    grammars = {grammar["language"]: grammar for grammar in CONTRIBUTED["grammars"]}
    assert grammars.keys() == languages == {"quantcfg", "prototxt"}
    for grammar in grammars.values():
        content = json.loads((SOURCES / grammar["path"]).read_text(encoding="utf-8"))
        assert content["scopeName"] == grammar["scopeName"]


def test_it_has_the_version_of_the_command() -> None:
    lock = json.loads((SOURCES / "package-lock.json").read_text(encoding="utf-8"))
    assert MANIFEST["version"] == lock["version"] == quantcfg.__version__


def test_every_setting_is_in_the_readme() -> None:
    readme = (SOURCES / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(quantcfg\.\w+)` \|", readme, re.MULTILINE)
    assert listed == list(CONTRIBUTED["configuration"]["properties"])


def test_an_untrusted_folder_does_not_choose_the_program() -> None:
    assert CONTRIBUTED["configuration"]["properties"]["quantcfg.path"]["scope"] == "machine-overridable"
    assert MANIFEST["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"] == ["quantcfg.path"]


def test_the_lock_file_names_versions_and_no_place_of_ours() -> None:
    lock = json.loads((SOURCES / "package-lock.json").read_text(encoding="utf-8"))
    packages = [each for name, each in lock["packages"].items() if name]
    assert all(each["integrity"].startswith("sha512-") for each in packages)
    places = [each["resolved"] for each in packages if "resolved" in each]
    assert all(place.startswith("https://registry.npmjs.org/") for place in places)


# --- what it does


def happened(
    settings: dict[str, str] | None = None,
    folder: str | None = FOLDER,
    failure: str | None = None,
    changes: list[dict[str, str]] | None = None,
) -> list[dict[str, Any]]:
    """Return what happens from the start of the extension to its end."""
    given = {"settings": settings or {}, "folder": folder, "failure": failure, "changes": changes or []}
    entry = str(SOURCES / "src" / "extension.ts")
    events: list[dict[str, Any]] = node.run("extension.cjs", {"entry": entry, **given})
    return events


def started(events: list[dict[str, Any]]) -> list[str]:
    return [event["started"]["command"] for event in events if "started" in event]


def test_it_starts_the_server_with_the_settings() -> None:
    settings = {"quantcfg.model": "deploy.prototxt", "quantcfg.weights": "net.caffemodel"}
    command, start, stop = happened(settings)
    assert command == {"command": "quantcfg.restart"}
    assert start["started"] == {"command": "quantcfg", "args": ["lsp"], "options": {"cwd": FOLDER}}
    assert start["with"] == {
        "documentSelector": [
            {"scheme": "file", "language": language["id"]} for language in CONTRIBUTED["languages"]
        ],
        "initializationOptions": {"model": "deploy.prototxt", "weights": "net.caffemodel"},
        "synchronize": {"configurationSection": "quantcfg"},
    }
    assert stop == {"stopped": "quantcfg"}


@pytest.mark.parametrize(
    ("setting", "folder", "expected"),
    [
        ("", FOLDER, "quantcfg"),
        (" ", FOLDER, "quantcfg"),
        ("quantcfg-dev", FOLDER, "quantcfg-dev"),
        (".venv/bin/quantcfg", FOLDER, f"{FOLDER}/.venv/bin/quantcfg"),
        ("/opt/bin/quantcfg", FOLDER, "/opt/bin/quantcfg"),
        (".venv/bin/quantcfg", None, ".venv/bin/quantcfg"),
    ],
)
def test_the_setting_says_which_program_it_is(setting: str, folder: str | None, expected: str) -> None:
    assert started(happened({"quantcfg.path": setting}, folder)) == [expected]


def test_another_program_takes_the_place_of_the_first() -> None:
    events = happened(changes=[{"quantcfg.model": "other.prototxt"}, {"quantcfg.path": "other"}])
    assert started(events) == ["quantcfg", "other"]
    assert [event["stopped"] for event in events if "stopped" in event] == ["quantcfg", "other"]


def test_a_server_that_does_not_start_is_reported_with_the_help() -> None:
    events = happened(failure="spawn quantcfg ENOENT")
    assert [event["shown"] for event in events if "shown" in event] == [
        'cannot start the language server "quantcfg lsp" (spawn quantcfg ENOENT): '
        'run pip install "quantcfg[lsp]", or set quantcfg.path'
    ]
    assert not any("stopped" in event for event in events)
