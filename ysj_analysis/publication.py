"""How does a folder appear whole or not at all? Built beside its place, locked, swapped in by rename."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PART, _OLD, _LOCK = ".part", ".old", ".lock"


class Locked(RuntimeError):
    """Another run is writing the same report."""


@contextlib.contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes ``target`` when the block ends without an error.

    Parameters
    ----------
    target : Path
        Where the folder is to appear. One that exists stays as it is until the new one is complete,
        and comes back if the last step fails.

    Yields
    ------
    Path
        An empty folder on the same disk.

    Raises
    ------
    Locked
        If another run holds the same target.
    """
    created = _make_parents(target.parent)
    try:
        with _lock(target.parent / f".{target.name}{_LOCK}", target):
            _recover(target)
            build = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=_PART, dir=target.parent))
            try:
                yield build
                build.chmod(0o777 & ~_umask())
                _swap(build, target)
            finally:
                shutil.rmtree(build, ignore_errors=True)
    finally:
        for folder in created:  # only those that are still empty
            with contextlib.suppress(OSError):
                folder.rmdir()


def _make_parents(folder: Path) -> list[Path]:
    """Make a folder; list those that had to be made, deepest first."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _recover(target: Path) -> None:
    """Tidy up what a run that was killed left behind. We hold the lock, so nobody is using it."""
    for part in target.parent.glob(f".{target.name}.*{_PART}"):
        shutil.rmtree(part, ignore_errors=True)
    for old in sorted(target.parent.glob(f".{target.name}.*{_OLD}")):
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(target)


def _swap(build: Path, target: Path) -> None:
    """Put the new folder in place of the old."""
    if not target.exists():
        build.rename(target)
        return
    old = build.with_suffix(_OLD)
    target.rename(old)
    try:
        build.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _lock(path: Path, target: Path) -> Iterator[None]:
    """Hold a lock that the system releases when the process ends, however it ends."""
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            _hold(descriptor)
        except OSError:
            os.close(descriptor)
            raise Locked(f"Another run is writing {target.parent.name}/{target.name}; try later.") from None
        if _same(descriptor, path):
            break
        os.close(descriptor)  # its holder removed it between our opening and our locking it
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(descriptor)


def _same(descriptor: int, path: Path) -> bool:
    """Whether the file we locked is still the one under that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _hold(descriptor: int) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
