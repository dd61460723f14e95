"""Write files atomically: each is replaced completely, or stays as it is."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress

from quantcfg.diagnostics import Diagnostic, Report, catalogue
from quantcfg.files import PathLike, is_special, reason
from quantcfg.frozen import frozen_value

Guard = Callable[[], AbstractContextManager[object]]
"""Returns a context in which files are replaced; a command can block signals in it."""

Content = str | Iterable[bytes]
"""What is written to a file: text, or pieces of bytes, which are made while they are written."""

_DIRECTORY_MODE = 0o750
_FILE_MODE = 0o640
_WRITE_BITS = 0o222
_MAX_NAME = 254


def bad_output_name(name: str, inputs: Iterable[PathLike]) -> Diagnostic | None:
    """Return an error if a path cannot be the output (reference 1), such as an input file."""
    if not name:
        return catalogue.BAD_OUTPUT_NAME.at(None, file=name, reason="the name is empty")
    if os.path.basename(name) in ("", ".", "..") or os.path.isdir(name):
        return catalogue.BAD_OUTPUT_NAME.at(None, file=name, reason="is a directory")
    if len(os.path.basename(name)) > _MAX_NAME:
        return catalogue.BAD_OUTPUT_NAME.at(
            None, file=name, reason=f"the name is longer than {_MAX_NAME} characters"
        )
    if any(is_same_file(name, other) for other in inputs):
        return catalogue.BAD_OUTPUT_NAME.at(None, file=name, reason="is an input file")
    return None


def is_same_file(name: PathLike, other: PathLike) -> bool:
    """Return whether two paths lead to the same file."""
    try:
        return os.path.realpath(name) == os.path.realpath(other)
    except ValueError:
        return False  # The name contains a null character.


def write_file(name: str, content: Content, report: Report, guard: Guard = nullcontext) -> bool:
    """Write a file as write_files does; return whether it was written.

    A device, a named pipe or an open file is written to instead of replaced.
    """
    if not is_special(name):
        return write_files({name: content}, report, guard)
    try:
        with open(name, "wb") as stream:
            stream.writelines(_pieces(content))
    except (OSError, ValueError) as error:
        report(_unwritable(name, error))
        return False
    return True


def write_files(contents: Mapping[str, Content], report: Report, guard: Guard = nullcontext) -> bool:
    """Replace all files or none, with mode 0640; return whether they were written.

    Missing directories are created. For a symbolic link, its target is replaced. All
    files are complete under temporary names before the first one is renamed. If a
    rename fails, the files that were already replaced are restored.
    """
    name, staged = "", dict[str, _Staged]()
    with guard():
        try:
            for name, content in contents.items():
                target = _target(name)
                if target in [each.target for each in staged.values()]:
                    raise ValueError("is the same file as another output")
                _make_directories(os.path.dirname(target))
                staged[name] = _stage(target, _pieces(content), _FILE_MODE, keep=len(contents) > 1)
            for name in contents:
                os.replace(staged[name].temporary, staged[name].target)
        except (OSError, ValueError) as error:
            report(_unwritable(name, error))
            return False
        finally:
            _settle([*staged.values()], report)
    return True


def rewrite_file(name: str, text: str, report: Report, guard: Guard = nullcontext) -> bool:
    """Replace the content of a file, keeping its mode and owner; return whether it was written."""
    try:
        target = _target(name)
        status = os.stat(target)
        mode, owner = stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid)
        with guard():
            staged = _stage(target, _pieces(text), mode, owner)
            try:
                os.replace(staged.temporary, target)
            finally:
                _settle([staged], report)
    except (OSError, ValueError) as error:
        report(_unwritable(name, error))
        return False
    return True


def _pieces(content: Content) -> Iterable[bytes]:
    return [content.encode()] if isinstance(content, str) else content


def _unwritable(name: str, error: OSError | ValueError) -> Diagnostic:
    return catalogue.UNWRITABLE_FILE.at(None, file=name, reason=reason(error))


def _target(name: str) -> str:
    """Return the path with all symbolic links resolved."""
    target = os.path.realpath(name)
    if os.path.islink(target):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return target


def _make_directories(directory: str) -> None:
    missing = []
    while not os.path.exists(directory):
        missing.append(directory)
        directory = os.path.dirname(directory)
    for each in reversed(missing):
        os.makedirs(each, _DIRECTORY_MODE, exist_ok=True)


@frozen_value
class _Staged:
    """A complete file under a temporary name, and the target that it will replace.

    earlier is a second name of the existing target, to restore it from.
    """

    target: str
    temporary: str
    earlier: str | None = None


def _stage(
    target: str,
    pieces: Iterable[bytes],
    mode: int,
    owner: tuple[int, int] | None = None,
    *,
    keep: bool = False,
) -> _Staged:
    """Write a temporary file beside its target; with keep, the target can be restored later."""
    _check_writable(target)
    # tempfile would do the same, but importing it takes longer than writing the file.
    temporary = os.path.join(os.path.dirname(target), f".quantcfg-{os.urandom(8).hex()}")
    staged = _Staged(target, temporary, f"{temporary}-earlier" if keep and os.path.exists(target) else None)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
            if owner and owner != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
        if staged.earlier:
            _link(target, staged.earlier)
    except BaseException:
        _remove(staged)
        raise
    return staged


def _check_writable(target: str) -> None:
    """Raise an error if a path exists and is not a writable regular file.

    A write-protected file could be replaced, but must not be. os.access alone is not
    enough: it allows root to write every file.
    """
    try:
        status = os.stat(target)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("not a regular file")
    mode = stat.S_IMODE(status.st_mode)
    if not mode & _WRITE_BITS:
        raise PermissionError(errno.EACCES, f"is write-protected (mode {mode:04o})")
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _link(file: str, name: str) -> None:
    """Create a hard link to a file, or copy it if the file system has no hard links."""
    try:
        os.link(file, name)
    except OSError:
        import shutil

        shutil.copy2(file, name)


def _settle(staged: Sequence[_Staged], report: Report) -> None:
    """Restore the targets unless all of them were replaced, and remove the temporary files.

    A target was replaced if its temporary file is gone, even after an interruption.
    """
    waiting = [each for each in staged if os.path.exists(each.temporary)]
    if waiting:
        for each in reversed(staged):
            if each not in waiting:
                _restore(each, report)
    for each in waiting or staged:
        _remove(each)


def _restore(replaced: _Staged, report: Report) -> None:
    try:
        if replaced.earlier:
            os.rename(replaced.earlier, replaced.target)
        else:
            os.unlink(replaced.target)
    except OSError as error:
        why = f"was replaced, and the earlier file cannot be restored: {reason(error)}"
        report(catalogue.UNWRITABLE_FILE.at(None, file=replaced.target, reason=why))


def _remove(staged: _Staged) -> None:
    for name in filter(None, (staged.temporary, staged.earlier)):
        with suppress(OSError):
            os.unlink(name)
