"""How does a folder appear whole or not at all? Built beside its place, locked, exchanged in one step."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import errno
import glob
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

_PART, _SCRATCH, _OLD, _LOCK = ".part", ".scratch", ".old", ".lock"
_FULL = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
_LITTLE = 64 * 1024  # bytes; with less, whatever failed failed for want of room
_OPEN: set[Path] = set()
"""Folders of this process that are neither finished nor removed yet."""
_HELD: set[int] = set()
"""Descriptors of the locks that this process holds."""


class Locked(RuntimeError):
    """Another run is writing the same report."""


class NoRoom(RuntimeError):
    """The disk is full."""

    detail = ""


@contextlib.contextmanager
def saying_no_room(target: Path) -> Iterator[None]:
    """Say of whatever fails because the disk is full that the disk is full."""
    try:
        yield
    except Exception as error:
        if getattr(error, "errno", None) not in _FULL and _room(target.parent) > _LITTLE:
            raise
        raise NoRoom(
            f"{target.parent.name}/{target.name}: no room on the disk (or in the quota) for the report. Nothing was "
            "written, and a report that was there before is as it was. Make room and run it again."
        ) from error


def _room(folder: Path) -> int:
    """Bytes that are free where a folder is, or is to be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


@contextlib.contextmanager
def whole(target: Path, *, wait: float = 0.0) -> Iterator[Path]:
    """Give a temporary folder that becomes ``target`` when the block ends without an error.

    Parameters
    ----------
    target : Path
        Where the folder is to appear. One that exists can be read until the new one stands in its
        place, in one step of the file system where it has one (Linux, macOS).
    wait : float
        Seconds to wait for another run that writes the same folder.

    Yields
    ------
    Path
        An empty folder on the same disk. `scratch` is one beside it for what is not to be kept.

    Raises
    ------
    Locked
        If another run still holds the same target.
    """
    created = _make_parents(target.parent)
    try:
        with turn(target.parent / f".{target.name}{_LOCK}", target, wait=wait):
            _recover(target)
            build = target.parent / f".{target.name}.{_token()}{_PART}"
            _OPEN.update((build, scratch(build)))
            try:
                build.mkdir(0o700)
                scratch(build).mkdir(0o700)
                yield build
                with undisturbed():
                    _keep(build)
                    build.chmod(0o777 & ~_umask())
                    _swap(build, target)
            finally:
                with undisturbed():
                    _remove(build, scratch(build))
    finally:
        for folder in created:  # only those that are still empty
            with contextlib.suppress(OSError):
                folder.rmdir()


def scratch(build: Path) -> Path:
    """Say where the run that fills a folder may write what is not to be kept; on the same disk, private."""
    return build.with_suffix(_SCRATCH)


@contextlib.contextmanager
def temporary(folder: Path) -> Iterator[None]:
    """Have temporary files made in a folder, by this process and by those it starts.

    So that a run that is killed leaves nothing in a place where nobody looks for it.
    """
    before = {name: os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP")}
    held, tempfile.tempdir = tempfile.tempdir, str(folder.absolute())
    os.environ.update(dict.fromkeys(before, tempfile.tempdir))
    try:
        yield
    finally:
        tempfile.tempdir = held
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Put off a polite request to stop until the block has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only
        return
    asked: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        asked.append(number)

    before = {s: signal.signal(s, note) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        for first in asked[:1]:
            signal.raise_signal(first)


def sweep() -> None:
    """Remove what this process has begun and not finished; done by itself at the end of a process."""
    _remove(*_OPEN)


atexit.register(sweep)


def _disown() -> None:
    """Leave to the parent, in a process that it has just forked, what is the parent's."""
    _OPEN.clear()
    while _HELD:
        os.close(_HELD.pop())  # the parent's own descriptor still holds the lock


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown)


def _remove(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
        _OPEN.discard(folder)


def _token() -> str:
    return os.urandom(6).hex()


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
    begun = f".{glob.escape(target.name)}.*"
    for left in (*target.parent.glob(begun + _PART), *target.parent.glob(begun + _SCRATCH)):
        shutil.rmtree(left, ignore_errors=True)
    for old in sorted(target.parent.glob(begun + _OLD)):
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(target)


def _keep(folder: Path) -> None:
    """Have the system write every file to the disk, so that a power cut leaves no empty one behind."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())


def _swap(build: Path, target: Path) -> None:
    """Put the new folder in place of the old; the old one is then where the new one was, or gone."""
    if not target.exists():
        build.rename(target)
        return
    if _exchanged(build, target):
        return
    old = build.with_suffix(_OLD)
    target.rename(old)
    try:
        build.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; whether this system and this disk can."""
    here, swap = -100, 2  # AT_FDCWD, and RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS alike
    names = os.fsencode(one), os.fsencode(other)
    try:
        system = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            return system.renamex_np(*names, swap) == 0
        return system.renameat2(here, names[0], here, names[1], swap) == 0
    except (OSError, AttributeError, TypeError):  # Windows, or a C library without the call
        return False


@contextlib.contextmanager
def turn(path: Path, target: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Hold a lock that the system releases when the process ends, however it ends.

    Parameters
    ----------
    path : Path
        The file that is locked; made, and removed afterwards.
    target : Path
        What is written meanwhile, for the message.
    wait : float
        Seconds to wait for another that holds it.

    Raises
    ------
    Locked
        If another still holds it.
    """
    until = time.monotonic() + wait
    while (descriptor := _held(path)) is None:
        if time.monotonic() >= until:
            raise Locked(f"Another run is writing {target.parent.name}/{target.name}; try later.")
        time.sleep(0.05)
    _HELD.add(descriptor)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        _HELD.discard(descriptor)
        os.close(descriptor)


def _held(path: Path) -> int | None:
    """Open and lock a file; ``None`` if another holds it."""
    while True:
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o666)
        except FileNotFoundError:  # another run made the folder, and has just removed it again
            path.parent.mkdir(parents=True, exist_ok=True)
            continue
        try:
            _hold(descriptor)
        except OSError:
            os.close(descriptor)
            return None
        if _same(descriptor, path):
            return descriptor
        os.close(descriptor)  # its holder removed it between our opening and our locking it


def _same(descriptor: int, path: Path) -> bool:
    """Whether the file we locked is still the one under that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _hold(descriptor: int) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # of Windows alone
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
