from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from quantcfg import Diagnostic
from quantcfg.emit import bad_output_name, rewrite_file, write_file, write_files

TEXT = '{\n    "version":1\n}'


def written(file: Path | str, text: str = TEXT) -> list[str]:
    """Write a file, and return the codes of what was wrong."""
    found: list[Diagnostic] = []
    done = write_file(str(file), text, found.append)
    assert done == (not found)
    return [diagnostic.code for diagnostic in found]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    earlier = os.umask(request.param)
    yield
    os.umask(earlier)


@pytest.fixture(params=["os.fsync", "os.fchmod", "os.replace"])
def failing(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[BaseException], None]:
    """Let a step of the writing fail."""

    def let_fail(error: BaseException) -> None:
        def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr(request.param, fail)

    return let_fail


def test_the_file_has_exactly_the_text(tmp_path: Path) -> None:
    assert not written(tmp_path / "config.json")
    assert (tmp_path / "config.json").read_bytes() == TEXT.encode()


@pytest.mark.usefixtures("umask")
def test_the_file_has_mode_640_whatever_the_umask(tmp_path: Path) -> None:
    assert not written(tmp_path / "config.json")
    assert mode(tmp_path / "config.json") == 0o640


def test_a_file_that_is_replaced_has_mode_640_whatever_it_had(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text("old")
    file.chmod(0o777)
    assert not written(file)
    assert (mode(file), file.read_text()) == (0o640, TEXT)


def test_missing_folders_are_made_with_mode_750(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o755)
    assert not written(tmp_path / "a" / "b" / "config.json")
    assert [mode(tmp_path / folder) for folder in ("a", "a/b")] == [0o750, 0o750]
    assert mode(tmp_path) == 0o755


def test_a_name_without_a_folder_is_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not written("config.json")
    assert not written("./sub/../sub/config.json")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["config.json", "config.json", "sub"]


def test_the_old_file_is_whole_until_the_new_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.json"
    file.write_text("old")
    replace = os.replace
    seen = []

    def watched(source: str, target: str) -> None:
        seen.append((file.read_text(), Path(source).read_text(), mode(Path(source))))
        replace(source, target)

    monkeypatch.setattr("os.replace", watched)
    assert not written(file)
    assert seen == [("old", TEXT, 0o640)]


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), PermissionError(errno.EACCES, "Permission denied")],
    ids=["no space", "no permission"],
)
def test_a_failure_is_reported_and_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, failing: Callable[[BaseException], None], error: OSError
) -> None:
    file = tmp_path / "config.json"
    file.write_text("old")
    failing(error)
    assert written(file) == ["QC502"]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"config.json": "old"}


def test_an_interruption_passes_and_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, failing: Callable[[BaseException], None]
) -> None:
    file = tmp_path / "config.json"
    file.write_text("old")
    failing(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        written(file)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"config.json": "old"}


def test_an_interruption_passes_when_the_new_file_is_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def interrupted(*paths: str) -> NoReturn:
        replace(*paths)
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path / "config.json")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"config.json": TEXT}


def test_text_that_cannot_be_encoded_is_not_written(tmp_path: Path) -> None:
    assert written(tmp_path / "config.json", "\ud800") == ["QC502"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["file/config.json", "file/sub/config.json"])
def test_a_file_in_place_of_a_folder_is_reported(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("old")
    assert written(tmp_path / name) == ["QC502"]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"file": "old"}


def test_a_folder_in_place_of_the_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    assert written(tmp_path / "config.json") == ["QC502"]
    assert [path.name for path in tmp_path.rglob("*")] == ["config.json"]


def test_the_reason_is_said_without_the_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    found: list[Diagnostic] = []
    name = str(tmp_path / "file" / "config.json")
    assert not write_file(name, TEXT, found.append)
    assert found[0].message == f'cannot write "{name}": not a directory'


# --- files that may not be written


@pytest.mark.parametrize("write", [write_file, rewrite_file])
@pytest.mark.parametrize("protected", [0o444, 0o400, 0o555, 0o000], ids="{:04o}".format)
@pytest.mark.parametrize("is_linked", [False, True], ids=["file", "link"])
def test_a_write_protected_file_keeps_content_and_mode(
    tmp_path: Path, write: Callable[..., bool], protected: int, is_linked: bool
) -> None:
    file, name = tmp_path / "config.json", tmp_path / ("link" if is_linked else "config.json")
    file.write_text("old")
    if is_linked:
        name.symlink_to(file)
    before = sorted(tmp_path.iterdir())
    file.chmod(protected)
    found: list[Diagnostic] = []
    assert not write(str(name), TEXT, found.append)
    assert [each.message for each in found] == [
        f'cannot write "{name}": is write-protected (mode {protected:04o})'
    ]
    assert (found[0].code, mode(file)) == ("QC502", protected)
    file.chmod(0o600)
    assert file.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("mode", [0o200, 0o644, 0o622, 0o646])
def test_a_file_with_a_write_bit_is_replaced(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "config.json"
    file.write_text("old")
    file.chmod(mode)
    assert not written(file)
    file.chmod(0o600)
    assert file.read_text() == TEXT


@pytest.mark.parametrize("write", [write_file, rewrite_file])
def test_the_file_of_somebody_else_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., bool]
) -> None:
    file = tmp_path / "config.json"
    file.write_text("old")
    monkeypatch.setattr("os.access", lambda *_: False)
    found: list[Diagnostic] = []
    assert not write(str(file), TEXT, found.append)
    assert [each.message for each in found] == [f'cannot write "{file}": permission denied']
    assert file.read_text() == "old"


@pytest.mark.parametrize("write", [write_file, rewrite_file])
def test_a_file_is_replaced_within_the_guard(tmp_path: Path, write: Callable[..., bool]) -> None:
    file, seen = tmp_path / "config.json", []
    file.write_text("old")

    @contextmanager
    def guard() -> Iterator[None]:
        seen.append(file.read_text())
        yield
        seen.append(file.read_text())

    assert write(str(file), TEXT, print, guard)
    assert seen == ["old", TEXT]


# --- several files


BOTH = {"table": "new table", "config": "new config"}


def contents(folder: Path) -> Mapping[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def both_written(folder: Path) -> list[str]:
    """Write two files together, and return what was wrong, without the directory."""
    found: list[Diagnostic] = []
    done = write_files({str(folder / name): text for name, text in BOTH.items()}, found.append)
    assert done == (not found)
    assert {each.code for each in found} <= {"QC502"}
    return [each.message.replace(f"{folder}/", "") for each in found]


@pytest.fixture(params=[{}, {"config": "old"}, {"table": "old"}, {"table": "old", "config": "old"}], ids=str)
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Mapping[str, str]:
    """Some of the files are there already; the values are their contents."""
    files: Mapping[str, str] = request.param
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o604)
    return files


def failing_from(call: int, function: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
    """Return a function that does its work some times, and then raises an error each time."""
    calls = []

    def replaced(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) >= call:
            raise error
        return function(*arguments)

    return replaced


@pytest.mark.usefixtures("earlier")
def test_several_files_are_written(tmp_path: Path) -> None:
    assert not both_written(tmp_path)
    assert contents(tmp_path) == BOTH
    assert {mode(path) for path in tmp_path.iterdir()} == {0o640}


@pytest.mark.parametrize("step", ["fsync", "fchmod", "replace"])
@pytest.mark.parametrize("call", [1, 2])
def test_if_one_of_several_files_fails_none_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: Mapping[str, str], step: str, call: int
) -> None:
    error = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(f"os.{step}", failing_from(call, getattr(os, step), error))
    name = list(BOTH)[call - 1]
    assert both_written(tmp_path) == [f'cannot write "{name}": no space left on device']
    assert contents(tmp_path) == earlier
    assert {mode(path) for path in tmp_path.iterdir()} <= {0o604}


@pytest.mark.parametrize("step", ["fsync", "fchmod", "replace"])
def test_an_interruption_between_several_files_leaves_none_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: Mapping[str, str], step: str
) -> None:
    monkeypatch.setattr(f"os.{step}", failing_from(2, getattr(os, step), KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        both_written(tmp_path)
    assert contents(tmp_path) == earlier


@pytest.mark.usefixtures("earlier")
def test_an_interruption_after_the_last_of_several_files_leaves_all_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, calls = os.replace, []

    def interrupted(*paths: str) -> None:
        replace(*paths)
        calls.append(paths)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        both_written(tmp_path)
    assert contents(tmp_path) == BOTH


def test_all_files_are_complete_before_the_first_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: Mapping[str, str]
) -> None:
    seen: list[Mapping[str, str]] = []
    replace = os.replace

    def watched(*paths: str) -> None:
        seen.append(contents(tmp_path))
        replace(*paths)

    monkeypatch.setattr("os.replace", watched)
    assert not both_written(tmp_path)
    assert set(BOTH.values()) <= set(seen[0].values())
    assert {name: text for name, text in seen[0].items() if name in BOTH} == earlier


def test_files_are_put_back_without_hard_links_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: Mapping[str, str]
) -> None:
    error = OSError(errno.EPERM, "Operation not permitted")
    monkeypatch.setattr("os.link", failing_from(1, os.link, error))
    monkeypatch.setattr("os.replace", failing_from(2, os.replace, error))
    assert both_written(tmp_path) == ['cannot write "config": operation not permitted']
    assert contents(tmp_path) == earlier


def test_a_file_that_cannot_be_put_back_is_reported_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "table").write_text("old")
    error = OSError(errno.EIO, "Input/output error")
    monkeypatch.setattr("os.replace", failing_from(2, os.replace, error))
    monkeypatch.setattr("os.rename", failing_from(1, os.rename, error))
    assert both_written(tmp_path) == [
        'cannot write "config": input/output error',
        'cannot write "table": was replaced, and the earlier file cannot be restored: input/output error',
    ]
    assert sorted(contents(tmp_path).values()) == ["new table", "old"]


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: (path.touch(), path.chmod(0o444)), "is write-protected (mode 0444)"),
        (lambda path: path.mkdir(), "not a regular file"),
        (lambda path: os.mkfifo(path), "not a regular file"),
        (lambda path: path.symlink_to("/dev/null"), "not a regular file"),
        (lambda path: path.symlink_to(path), "too many levels of symbolic links"),
    ],
    ids=["protected", "directory", "pipe", "device", "link to itself"],
)
def test_none_is_written_where_one_cannot_be_a_file(
    tmp_path: Path, name: str, make: Callable[[Path], object], reason: str
) -> None:
    make(tmp_path / name)
    assert both_written(tmp_path) == [f'cannot write "{name}": {reason}']
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_two_names_of_one_file_are_not_written(tmp_path: Path) -> None:
    (tmp_path / "config").symlink_to("table")
    assert both_written(tmp_path) == ['cannot write "config": is the same file as another output']
    assert [path.name for path in tmp_path.iterdir()] == ["config"]


# --- links


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "real.json", tmp_path / "link.json"
    target.write_text("old")
    link.symlink_to(Path("there") / "real.json")
    assert not written(link)
    assert link.is_symlink()
    assert target.read_text() == link.read_text() == TEXT
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["link.json", "real.json", "there"]


def test_a_link_to_nothing_stays_and_its_file_is_made(tmp_path: Path) -> None:
    target, link = tmp_path / "there" / "real.json", tmp_path / "link.json"
    link.symlink_to(target)
    assert not written(link)
    assert link.is_symlink()
    assert target.read_text() == TEXT


def test_a_linked_folder_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert not written(tmp_path / "link" / "config.json")
    assert (tmp_path / "real" / "config.json").read_text() == TEXT


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # Opened for both, so that neither end waits for the other.
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        assert not written(pipe)
        assert os.read(reader, 1000) == TEXT.encode()
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


# --- names


def why_not(name: str, *inputs: Path) -> str | None:
    bad = bad_output_name(name, inputs)
    if bad is None:
        return None
    assert bad.code == "QC503"
    return bad.message.rpartition(": ")[2]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "the name is empty"),
        ("nowhere/", "is a directory"),
        ("folder", "is a directory"),
        ("folder/", "is a directory"),
        (".", "is a directory"),
        ("a" * 255, "the name is longer than 254 characters"),
        ("ä" * 255, "the name is longer than 254 characters"),
        ("folder/" + "a" * 10_000, "the name is longer than 254 characters"),
        ("a" * 254, None),
        ("folder/config.json", None),
        ("nowhere/config.json", None),
        ("a" * 255 + "/config.json", None),
        ("-", None),
    ],
)
def test_names_that_the_output_cannot_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reason: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    assert why_not(name) == reason


@pytest.mark.parametrize("name", ["a" * 254, "层" * 85, "层" * 86, "a" * 256 + "/config.json", "a\0b"])
def test_a_name_is_written_or_it_is_reported_that_it_cannot_be(tmp_path: Path, name: str) -> None:
    possible = "\0" not in name and all(len(part.encode()) <= 255 for part in name.split("/"))
    assert why_not(f"{tmp_path}/{name}", tmp_path / "net.prototxt") is None
    assert written(f"{tmp_path}/{name}") == ([] if possible else ["QC502"])
    assert len(list(tmp_path.iterdir())) == possible


def test_the_output_cannot_be_an_input_by_whatever_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "net.prototxt"
    model.write_text("")
    Path("link").symlink_to(model)
    Path("folder").symlink_to(tmp_path)
    for name in ("net.prototxt", "./net.prototxt", str(model), "link", "folder/net.prototxt"):
        assert why_not(name, Path("other"), model) == "is an input file"
    assert why_not("net.json", model) is None
