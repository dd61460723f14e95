"""The configuration's file: replaced in one step, or left as it is."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from quantcfg.diagnostics import Diagnostic, Report, catalogue
from quantcfg.files import PathLike, reason

_DIRECTORY_MODE = 0o750
_FILE_MODE = 0o640
_LONGEST_NAME = 254


def bad_output_name(name: str, inputs: Iterable[PathLike]) -> Diagnostic | None:
    """Return why a path cannot be that of the output, or None (reference 1); it cannot be an input's."""
    if not name:
        return catalogue.BAD_OUTPUT_NAME.at(None, file=name, reason="it is empty")
    if os.path.basename(name) in ("", ".", "..") or os.path.isdir(name):
        return catalogue.BAD_OUTPUT_NAME.at(None, file=name, reason="it is that of a folder")
    if len(Path(name).name) > _LONGEST_NAME:
        return catalogue.BAD_OUTPUT_NAME.at(
            None, file=name, reason=f"a name has {_LONGEST_NAME} characters at most"
        )
    if any(_is_same(name, other) for other in inputs):
        return catalogue.BAD_OUTPUT_NAME.at(None, file=name, reason="it is an input")
    return None


def _is_same(name: PathLike, other: PathLike) -> bool:
    try:
        return os.path.realpath(name) == os.path.realpath(other)
    except ValueError:
        return False  # A name with a null character is no file's.


def write_file(name: str, text: str, report: Report) -> bool:
    """Write a file with mode 0640, making missing folders; tell whether it is there now.

    The text goes to a file beside it that takes its place when it is whole. A
    symbolic link stays, and the file that it points to is replaced. What is
    there and is no file, such as a device or a pipe, is written to.
    """
    try:
        descriptor = _descriptor(name)
        if descriptor is not None:
            _write_to(os.dup(descriptor), text)
        elif os.path.exists(name) and not os.path.isfile(name):
            _write_to(name, text)
        else:
            target = Path(os.path.realpath(name))
            if target.is_symlink():
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            _make_folders(target.parent)
            _replace(target, text)
    except (OSError, ValueError) as error:
        report(catalogue.UNWRITABLE_FILE.at(None, file=name, reason=reason(error)))
        return False
    return True


def _descriptor(name: str) -> int | None:
    """Return the open descriptor that a path such as /dev/stdout or /dev/fd/3 stands for, if it does."""
    for path in (name, os.readlink(name) if os.path.islink(name) else name):
        folder, number = os.path.split(os.path.abspath(path))
        if number.isdigit() and os.path.realpath(folder) == f"/proc/{os.getpid()}/fd":
            return int(number)
    return None


def _write_to(file: str | int, text: str) -> None:
    with open(file, "w", encoding="ascii", newline="") as stream:
        stream.write(text)


def _make_folders(folder: Path) -> None:
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)


def _replace(target: Path, text: str) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=".quantcfg-", dir=target.parent)
    try:
        with open(descriptor, "w", encoding="ascii", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), _FILE_MODE)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
