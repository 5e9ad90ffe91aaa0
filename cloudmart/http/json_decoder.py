"""JSON decoded as far as a model knows it: what else callers send is skipped, never built.

Eight megabytes of `[[],[],…` become two hundred megabytes of lists. Here they cost nothing.
"""

import asyncio
import json
import types
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import accumulate, islice
from typing import Annotated, Any, Protocol, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Raw, UnsetType
from pydantic import BaseModel

from cloudmart.values.text import MOST_ITEMS, Characters, Newest

DEEPEST = 64
"""Lists and objects that may be one inside the other."""

PIECE = 64 * 1024
"""Bytes that are looked at before others get their turn: some milliseconds at worst."""

_DEEPER, _HIGHER, _COMMA = b"\x01", b"\xff", b"\x00"
_CHANGES = bytes.maketrans(b"[{]},", _DEEPER * 2 + _HIGHER * 2 + _COMMA)
_OTHER = bytes(set(range(256)) - set(b"[{]},"))
_OTHER_AND_COMMAS = _OTHER + b","
_ROUNDS = 4

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


async def is_too_deep(content: bytearray, piece_size: int = PIECE) -> bool:
    """Return whether JSON is nested deeper than it may be. Brackets in its texts do not count."""
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
    """Return whether a list has more items than that. Commas in texts and in items do not count."""
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


_LIST, _OBJECT = ord("["), ord("{")

Load = Callable[[bytes], Any]
"""Builds a value that is neither list nor object, or raises ValueError."""


class Shape(Protocol):
    """What a model expects at one place."""

    async def read(self, raw: memoryview, load: Load) -> Any:  # noqa: ANN401 - any JSON
        """Return the expected members of a value.

        A value of another type becomes an empty list or object, which the model then refuses.
        """
        ...


def shape_of(model: Any, metadata: Sequence[Any] = ()) -> Shape:  # noqa: ANN401 - any type
    """Return what a type expects, or raise TypeError where that is not known beforehand."""
    origin, arguments = get_origin(model), get_args(model)
    if origin is Annotated:
        return shape_of(arguments[0], [*metadata, *arguments[1:]])
    if origin in {Union, types.UnionType}:
        others = [each for each in arguments if each is not types.NoneType]
        if len(others) == 1:
            return shape_of(others[0], metadata)
    if origin is list:
        newest = next((each for each in metadata if isinstance(each, Newest)), None)
        return _Items(shape_of(arguments[0]), newest)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return _Members(model)
    if model in {Any, object} or origin is dict:
        raise TypeError(f"a body may hold anything where {model} is expected")
    return _Single(next((each for each in metadata if isinstance(each, Characters)), None))


async def decode_json(content: bytearray, shape: Shape, load: Load) -> Any:  # noqa: ANN401 - any JSON
    """Return what a body holds as far as it is expected, or raise ValueError."""
    if content.startswith(_BYTE_ORDER_MARK):
        del content[: len(_BYTE_ORDER_MARK)]
    try:
        # The whole is checked before a part is looked at.
        raw = msgspec.json.decode(content, type=Raw)
        return await shape.read(memoryview(raw), load)
    except msgspec.DecodeError as error:
        raise _malformed(content, str(error)) from None


class _Members:
    """An object, of which a model knows some members."""

    def __init__(self, model: type[BaseModel]) -> None:
        shapes = {
            key: shape_of(field.annotation, field.metadata)
            for name, field in model.model_fields.items()
            for key in dict.fromkeys((name, field.alias or name))
        }
        fields = [f"member_{number}" for number in range(len(shapes))]
        known = msgspec.defstruct(
            model.__name__,
            [(field, Raw | UnsetType, UNSET) for field in fields],
            rename=dict(zip(fields, shapes, strict=True)),
        )
        self._decoder = msgspec.json.Decoder(known)
        self._members = list(zip(fields, shapes.items(), strict=True))

    async def read(self, raw: memoryview, load: Load) -> Any:  # noqa: ANN401
        if raw[0] != _OBJECT:
            return _single(raw, load)
        found = self._decoder.decode(raw)
        await asyncio.sleep(0)
        return {
            key: await shape.read(memoryview(value), load)
            for field, (key, shape) in self._members
            if (value := getattr(found, field)) is not UNSET
        }


class _Items:
    """A list, of which perhaps only the newest items are kept."""

    def __init__(self, shape: Shape, newest: Newest | None) -> None:
        self._shape = shape
        self._newest = newest
        self._decoder = msgspec.json.Decoder(list[Raw])

    async def read(self, raw: memoryview, load: Load) -> Any:  # noqa: ANN401
        if raw[0] != _LIST:
            return _single(raw, load)
        if await has_more_items(raw, MOST_ITEMS):
            # Whatever they are, they are too many.
            return [None] * (MOST_ITEMS + 1)
        items = self._decoder.decode(raw)
        if self._newest:
            items = self._newest.cut(items)
        return [await self._shape.read(memoryview(item), load) for item in items]


class _Single:
    """A text, a number, true, false or null."""

    def __init__(self, characters: Characters | None) -> None:
        self._characters = characters

    async def read(self, raw: memoryview, load: Load) -> Any:  # noqa: ANN401
        value = _single(raw, load)
        return self._characters.cut(value) if self._characters else value


def _single(raw: memoryview, load: Load) -> Any:  # noqa: ANN401
    if raw[0] == _LIST:
        return []
    if raw[0] == _OBJECT:
        return {}
    return load(bytes(raw))


def _malformed(content: bytearray, told: str) -> json.JSONDecodeError:
    """Return the error of Python's own decoder, which counts characters, not bytes."""
    byte = told.rpartition("(byte ")[2].rstrip(")")
    before = content[: int(byte)] if byte.isdigit() else content
    return json.JSONDecodeError(told, "", len(before.decode(errors="replace")))
