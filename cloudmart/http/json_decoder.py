"""JSON decoded as far as a model knows it: what else callers send is skipped, never built.

Eight megabytes of `[[],[],…` become two hundred megabytes of lists. Here they cost nothing.
"""

import asyncio
import json
import types
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Raw, UnsetType
from pydantic import BaseModel

from cloudmart.http.json_structure import has_more_items
from cloudmart.values.text import MOST_ITEMS, Characters, Newest

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LIST, _OBJECT = ord("["), ord("{")

Load = Callable[[bytes], Any]
"""Builds a value that is neither list nor object, or raises ValueError."""


class Shape(Protocol):
    """What a model expects at one place."""

    async def read(self, raw: memoryview, load: Load) -> Any:  # noqa: ANN401 - any JSON
        """Return what is there as far as it is expected.

        What is something else altogether is told by an empty list or object in its place.
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
