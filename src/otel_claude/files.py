"""Files: how we read and write what a user named, so that nothing hangs and nothing is harmed. Imports nothing of ours.

The path of a setting is read while an application starts, so reading must end: only a regular file is read, and no
more of it than a bound. A file is written as a whole beside its place and then put there, or not at all.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

_PIECE: Final = 1 << 20


class RefusedError(OSError):
    """A file that is not read or not written. Its `strerror` is why."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.EINVAL, why)


def read(path: str | os.PathLike[str], most: int, *, waits: bool = False) -> bytes:
    """The content of a file of at most `most` bytes.

    Args:
        path: The file. A symbolic link is followed: Kubernetes mounts files that way.
        most: The most bytes that are read.
        waits: Whether a pipe or a terminal is read too, which waits for whoever writes. For what a person named on the
            command line, never for the setting of an application.

    Raises:
        RefusedError: It is no regular file, or has more than `most` bytes.
        OSError: It cannot be opened or read.
    """
    # Without O_NONBLOCK, opening a pipe would wait for somebody who writes to it.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
    descriptor = os.open(path, flags if waits else flags | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor is no path
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise RefusedError(os.strerror(errno.EISDIR))
        if not (stat.S_ISREG(status.st_mode) or waits):
            raise RefusedError("it is no regular file")
        if status.st_size > most:
            raise RefusedError(f"it has more than {most:,} bytes")
        pieces: list[bytes] = []
        left = most + 1
        # A file of /proc can have nothing to say for now, which gives None.
        while left > 0 and (piece := file.read(min(left, _PIECE))):
            pieces.append(piece)
            left -= len(piece)
        if left <= 0:
            raise RefusedError(f"it has more than {most:,} bytes")
        return b"".join(pieces)


def write(path: Path, text: str) -> None:
    """Writes a text as a whole or not at all. A symbolic link stays, and what it leads to is written.

    Raises:
        RefusedError: Something is there that is no regular file.
        OSError: It cannot be written; what was there is as it was.
    """
    target = Path(os.path.realpath(path))
    beside = prepare(target, text, mode_of(target))
    try:
        beside.replace(target)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise


def mode_of(path: Path) -> int | None:
    """The permissions of a file that is to be overwritten. None if nothing is there.

    Raises:
        RefusedError: It is no regular file, or may not be written.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        # Putting a file in the place of a device or a pipe would destroy it: /dev/null is one.
        raise RefusedError("it is no regular file")
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return stat.S_IMODE(status.st_mode)


def prepare(path: Path, text: str, mode: int | None = None) -> Path:
    """Writes a text into a new file beside `path`, to be put in its place by renaming. Nothing of it stays on failure.

    Raises:
        OSError: It cannot be written.
    """
    beside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
    # O_EXCL: a file or a link of that name, whoever made it, is not written to. With permissions to come, nobody else
    # may read it before it has them.
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123 - a descriptor is no path
            file.write(text)
        if mode is not None:
            beside.chmod(mode)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
    return beside
