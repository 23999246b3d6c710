"""One process at a time in a run folder: a second identical run waits for the first and then finds its results."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # a system without file locks: identical runs there are the user's own care
    fcntl = None  # type: ignore[assignment]

_log = logging.getLogger(__name__)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the lock of a run folder, a file beside it; it is freed by the system when the process dies."""
    path = folder.parent / f".{folder.name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _acquire(path)
    try:
        yield
    finally:
        if file is not None:
            path.unlink(missing_ok=True)
            os.close(file)


def _acquire(path: Path) -> int | None:
    """Descriptor of the locked file; None on a file system without locks."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not _locked(file, path):
                os.close(file)
                return None
            if _same(file, path):
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # the one before removed the file as it ended: take the new one


def _locked(file: int, path: Path) -> bool:
    """Wait for the lock, saying so; False where there are no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _log.warning("the same run is being made by another process; waiting for it (%s)", path)
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        raise
    return True


def _same(file: int, path: Path) -> bool:
    """Whether the descriptor is still the file of that name."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
