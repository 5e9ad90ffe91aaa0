"""How deep JSON is nested and how long its lists are, told without building what it holds."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import accumulate, islice

DEEPEST = 64
"""Lists and objects that may be one inside the other."""

PIECE = 64 * 1024
"""Bytes that are looked at before others get their turn: some milliseconds at worst."""

_DEEPER, _HIGHER, _COMMA = b"\x01", b"\xff", b"\x00"
_CHANGES = bytes.maketrans(b"[{]},", _DEEPER * 2 + _HIGHER * 2 + _COMMA)
_OTHER = bytes(set(range(256)) - set(b"[{]},"))
_OTHER_AND_COMMAS = _OTHER + b","
_ROUNDS = 4


async def is_too_deep(content: bytearray, piece_size: int = PIECE) -> bool:
    """Tell whether JSON is nested deeper than it may be. Brackets in its texts do not count."""
    if content.count(b"[") + content.count(b"{") <= DEEPEST:
        return False
    outside, depth = _Outside(), 0
    async for piece in _pieces(content, piece_size):
        changes = outside.of(piece).translate(_CHANGES, _OTHER_AND_COMMAS)
        if _may_reach(changes, DEEPEST - depth) and max(_depths(changes, depth)) > DEEPEST:
            return True
        depth += _change(changes)
    return False


async def has_more_items(content: memoryview, most: int, piece_size: int = PIECE) -> bool:
    """Tell whether a list has more items than that. Commas in texts and in items do not count."""
    outside, depth, commas = _Outside(), 0, 0
    async for piece in _pieces(content, piece_size):
        changes = outside.of(piece).translate(_CHANGES, _OTHER)
        at = zip(changes, _depths(changes, depth), strict=True)
        commas += sum(1 for change, deep in at if deep == 1 and not change)
        if commas >= most:
            return True
        depth += _change(changes)
    return False


class _Outside:
    """Leaves out the texts of JSON that comes in pieces."""

    def __init__(self) -> None:
        self._in_text = False
        self._escaped = False

    def of(self, piece: bytes) -> bytes:
        """Return what of the next piece is outside of texts."""
        if self._escaped:
            piece = piece[1:]
        piece = piece.replace(rb"\\", b"").replace(rb"\"", b"")
        self._escaped = piece.endswith(b"\\")
        parts = piece.split(b'"')
        outside = parts[self._in_text :: 2]
        self._in_text ^= len(parts) % 2 == 0
        return b"".join(outside)


def _may_reach(changes: bytes, room: int) -> bool:
    """Tell, at little cost, whether changes may lead deeper than there is room for."""
    for left_out in range(_ROUNDS):
        if changes.count(_DEEPER) + left_out <= room:
            return False
        # Without its innermost lists and objects it is one less deep.
        changes = changes.replace(_DEEPER + _HIGHER, b"")
    return True


def _depths(changes: bytes, depth: int) -> Iterator[int]:
    """Return the depth after each change; a comma changes nothing."""
    return islice(accumulate(memoryview(changes).cast("b"), initial=depth), 1, None)


def _change(changes: bytes) -> int:
    return changes.count(_DEEPER) - changes.count(_HIGHER)


async def _pieces(content: bytearray | memoryview, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield bytes(content[start : start + size])
        await asyncio.sleep(0)
