"""Which rows have the same id? Ids of any length as two numbers each, and those as one.

A digest of 64 bits would take one of four million ids for another once in two million files. Two of them do not:
where the first is the same and the second is not, somebody else has to look.
"""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

LONGEST = 1000
"""Bytes of an id."""

_SEEDS = tuple(np.uint64(secrets.randbits(64)) for _ in range(2))
"""Nobody can write ids that have one digest."""

_FACTORS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93))
_KEPT = np.array([(1 << 8 * n) - 1 for n in range(9)], dtype="uint64")
"""What is kept of eight bytes where ``n`` belong to the id."""


class Unfit(Exception):
    """The file is not as it should be: somebody else has to look at it."""


def digests(ids: Any) -> tuple[np.ndarray, np.ndarray]:
    """Give two numbers for each id; of up to eight bytes and one length, no two ids have the same.

    Parameters
    ----------
    ids : pyarrow StringArray
        None missing.

    Returns
    -------
    array of uint64, array of uint64
        The same text has the same numbers, in this process.

    Raises
    ------
    Unfit
        For an id that is empty, has a blank at an edge, or is longer than `LONGEST`.

    Examples
    --------
    >>> import pyarrow
    >>> one, other = digests(pyarrow.array(["c1", "c2", "c1"]))
    >>> bool(one[0] == one[2] != one[1] and other[0] == other[2] != other[1])
    True
    """
    ends = np.frombuffer(ids.buffers()[1], "int32")[ids.offset : ids.offset + len(ids) + 1].astype("int64")
    starts, length = ends[:-1], np.diff(ends)
    if not len(ids):
        return np.zeros(0, "uint64"), np.zeros(0, "uint64")
    if not 0 < length.min() <= length.max() <= LONGEST:
        raise Unfit
    text = np.append(np.frombuffer(ids.buffers()[2], "uint8")[: ends[-1]], np.zeros(8, "uint8"))
    _refuse_blanks(ids, text[starts], text[ends[1:] - 1])
    words = np.ndarray(len(text) - 7, "<u8", buffer=text, strides=(1,))  # the eight bytes from each byte on
    found = [np.full(len(ids), seed) ^ length.astype("uint64") for seed in _SEEDS]
    for at in range(0, int(length.max()), 8):
        rows = slice(None) if length.min() > at else np.flatnonzero(length > at)
        word = words[starts[rows] + at] & _KEPT[np.minimum(length[rows] - at, 8)]
        for digest, factor in zip(found, _FACTORS, strict=True):
            mixed = (digest[rows] ^ word) * factor
            digest[rows] = mixed ^ (mixed >> np.uint64(29))
    return found[0], found[1]


def _refuse_blanks(ids: Any, first: np.ndarray, last: np.ndarray) -> None:
    """Refuse ids with a blank at an edge; printed ASCII is none, and for the rest each text is looked at once."""
    import pyarrow

    odd = np.zeros(len(ids), dtype=bool)
    for edge in (first, last):
        odd |= (edge < ord("!")) | (edge > ord("~"))
    if odd.any() and any(v != v.strip() for v in ids.filter(pyarrow.array(odd)).unique().to_pylist()):
        raise Unfit


def numbered(one: np.ndarray, other: np.ndarray) -> np.ndarray | None:
    """Number ids by their digests, in order of appearance.

    Parameters
    ----------
    one, other : array of uint64
        From :func:`digests`.

    Returns
    -------
    array of int32, or None
        The same number where both digests are the same; None if one is and the other is not.

    Examples
    --------
    >>> numbered(np.array([9, 3, 9], "uint64"), np.array([1, 2, 1], "uint64"))
    array([0, 1, 0], dtype=int32)
    >>> numbered(np.array([9, 3, 9], "uint64"), np.array([1, 2, 3], "uint64")) is None
    True
    """
    order = np.argsort(one)
    part = one[order]
    new = np.append(True, part[1:] != part[:-1])[: len(part)]
    part = other[order]
    if (~new[1:] & (part[1:] != part[:-1])).any():
        return None
    del part
    first = np.minimum.reduceat(order, np.flatnonzero(new)) if len(order) else order
    head = np.zeros(len(order), dtype=bool)
    head[first] = True
    place = np.cumsum(head, dtype="int32")[first] - 1
    found = np.empty(len(order), "int32")
    found[order] = np.repeat(place, np.diff(np.append(np.flatnonzero(new), len(order))))
    return found
