"""How does a child's record become a pseudonym that only the service could trace back?

A pseudonym is a keyed hash (HMAC with SHA-256) of the id in the case-management system. The same id and
key always give the same pseudonym, so exports of several years can be joined; without the key nobody can
check a guessed id against it, which an ordinary hash would allow (ids are few and easily listed). The key
is a small file that the service keeps, readable by one person, away from anything that is shared.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

import pandas as pd

from .tables import DataError

_KEY_FILE = "YSJ_KEY_FILE"
"""The environment variable that may hold the path of the key file."""

_KEY = re.compile(r"[0-9a-f]{64}")
_LENGTH = 20  # hexadecimal digits: 80 bits, so that two of a million children meet once in 2 million million


def key(file: str | Path | None = None, *, new: bool = False) -> bytes:
    """Read the key, or make a new one when that is asked for.

    Parameters
    ----------
    file : path, optional
        The key file; by default the one that the environment variable YSJ_KEY_FILE names.
    new : bool
        Make the file, readable by its owner alone, if it is not there. It is never made unasked: a
        mistyped path would give every child a new pseudonym, and the years could not be joined.

    Returns
    -------
    bytes
        The key.

    Raises
    ------
    DataError
        When no file is named, it is not there, it is no key, others can read it, or it lies in a
        study folder or a Git repository, where it would be shared with what it protects.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as private:
    ...     first = key(Path(private, "ysj.key"), new=True)
    ...     first == key(Path(private, "ysj.key")), len(first)
    (True, 32)
    """
    file = file or os.environ.get(_KEY_FILE)
    if not file:
        raise DataError(
            "0 key files are named, and ids are never written as they are: each becomes a keyed hash.\n"
            "Keep a key file in a private folder of the service, not in the study or a shared folder, and\n"
            f"name it with -p key=FILE or the environment variable {_KEY_FILE}. The first time, add\n"
            "-p new_key=yes to make it. Keep it: with another key the years can no longer be joined."
        )
    path = Path(file).expanduser()
    _refuse_exposed_place(path)
    if not path.exists():
        if not new:
            raise DataError(
                f"{path.name}: there is no such key file. A new key gives every child a new pseudonym.\n"
                "Correct the path, or add -p new_key=yes if this service has no key yet."
            )
        _make(path)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise DataError(
            f"{path.name}: the key file can be read by others on this machine.\n"
            "Run chmod 600 on it. If it was ever shared, the pseudonyms made with it are no protection."
        )
    text = path.read_text(encoding="ascii", errors="replace").strip()
    if not _KEY.fullmatch(text):
        raise DataError(
            f"{path.name}: not a key of 64 hexadecimal digits.\nName the file made with -p new_key=yes."
        )
    return bytes.fromhex(text)


def _refuse_exposed_place(path: Path) -> None:
    """Refuse a key inside a study folder or a Git repository."""
    for mark, place in (("study.toml", "a study folder"), (".git", "a Git repository")):
        if any((folder / mark).exists() for folder in path.resolve().parents):
            raise DataError(
                f"{path.name}: the key file is inside {place}, and would be shared with the pseudonyms it "
                "protects.\nMove it to a private folder of the service."
            )


def _make(path: Path) -> None:
    """Write a new random key, readable by its owner alone from the first moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")


def fingerprint(key: bytes) -> str:
    """Return a mark by which two studies can be seen to share a key, and which tells nothing else of it.

    Parameters
    ----------
    key : bytes
        From `key`.

    Returns
    -------
    str
        Eight hexadecimal digits.

    Examples
    --------
    >>> fingerprint(bytes(32))
    'dadeabb2'
    """
    return hmac.new(key, b"ysj key fingerprint", hashlib.sha256).hexdigest()[:8]


def pseudonyms(ids: pd.Series, key: bytes, kind: str) -> pd.Series:
    """Replace ids by keyed hashes.

    Parameters
    ----------
    ids : Series of str
        As `plain_ids` gives them.
    key : bytes
        From `key`.
    kind : str
        What the ids are of ("child", "episode"), so that one number used for two things gives two
        pseudonyms.

    Returns
    -------
    Series of str
        20 hexadecimal digits for each id; an empty id stays empty.

    Examples
    --------
    >>> pseudonyms(pd.Series(["1001", "1001", ""]), bytes(32), "child").tolist()
    ['60410a95fb63549fcbe2', '60410a95fb63549fcbe2', '']
    """
    hashed = {
        text: hmac.new(key, f"{kind}\0{text}".encode(), hashlib.sha256).hexdigest()[:_LENGTH] if text else ""
        for text in ids.unique()
    }
    return ids.map(hashed).astype(str)


def plain_ids(ids: pd.Series) -> pd.Series:
    """Undo what spreadsheets do to ids, so that one child has one id in every file.

    Parameters
    ----------
    ids : Series of str
        As read.

    Returns
    -------
    Series of str
        Without surrounding spaces, a leading apostrophe, the ``.0`` of a number and case.

    Examples
    --------
    >>> plain_ids(pd.Series([" 1001.0", "'1001", "ab1"])).tolist()
    ['1001', '1001', 'AB1']
    """
    tidy = ids.str.strip().str.removeprefix("'").str.upper()
    return tidy.str.replace(r"^([0-9]+)\.0+$", r"\1", regex=True)
