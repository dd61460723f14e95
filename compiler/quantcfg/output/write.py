"""The configuration's file: replaced in one step, or left as it is."""

from __future__ import annotations

import errno
import os
import signal
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from quantcfg.diagnostics import Diagnostic, Report, catalogue
from quantcfg.files import PathLike, descriptor_of, is_special, reason

_DIRECTORY_MODE = 0o750
_FILE_MODE = 0o640
_LONGEST_NAME = 254


def bad_output_name(name: str, inputs: Iterable[PathLike]) -> Diagnostic | None:
    """Return why a path cannot be that of the output, or None (reference 1); it cannot be an input's."""
    if not name:
        return catalogue.BAD_OUTPUT_NAME.at(None, file=name, reason="it is empty")
    if os.path.basename(name) in ("", ".", "..") or os.path.isdir(name):
        return catalogue.BAD_OUTPUT_NAME.at(None, file=name, reason="it is that of a folder")
    if len(os.path.basename(name)) > _LONGEST_NAME:
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
        content = text.encode()
        descriptor = descriptor_of(name)
        if descriptor is not None:
            _write_to(os.dup(descriptor), content)
        elif is_special(name):
            _write_to(name, content)
        else:
            target = _target(name)
            _make_folders(os.path.dirname(target))
            _replace(target, content, _FILE_MODE)
    except (OSError, ValueError) as error:
        report(catalogue.UNWRITABLE_FILE.at(None, file=name, reason=reason(error)))
        return False
    return True


def rewrite_file(name: str, text: str, report: Report) -> bool:
    """Put a text in place of that of a file, which keeps its mode and owner; tell whether it is done.

    A file that may not be written to is not replaced either.
    """
    try:
        target = _target(name)
        status = os.stat(target)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is no regular file")
        if not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        _replace(target, text.encode(), stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid))
    except (OSError, ValueError) as error:
        report(catalogue.UNWRITABLE_FILE.at(None, file=name, reason=reason(error)))
        return False
    return True


def _target(name: str) -> str:
    """Return the path of the file that a name stands for, behind all links."""
    target = os.path.realpath(name)
    if os.path.islink(target):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return target


def _write_to(file: str | int, content: bytes) -> None:
    with open(file, "wb") as stream:
        stream.write(content)


def _make_folders(folder: str) -> None:
    missing = []
    while not os.path.exists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for each in reversed(missing):
        os.makedirs(each, _DIRECTORY_MODE, exist_ok=True)


def _replace(target: str, content: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    # As tempfile does it, which takes longer to load than the writing.
    temporary = os.path.join(os.path.dirname(target), f".quantcfg-{os.urandom(8).hex()}")
    with _undisturbed():
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                if owner and owner != (os.geteuid(), os.getegid()):
                    os.fchown(file.fileno(), *owner)
                os.fchmod(file.fileno(), mode)
            os.replace(temporary, target)
        except BaseException:
            # A thread that takes signals may have been interrupted when it was in its place already.
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let signals that end the process wait, so that none comes between a file and its name."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
