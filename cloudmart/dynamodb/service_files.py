"""Reads the files in which AWS's SDK describes services, with less memory than the SDK takes.

The SDK's own reader makes an `OrderedDict` of each object: 10 MB in a process that only speaks to
DynamoDB, most of it for 400 other services.
"""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from botocore.loaders import JSONFileLoader

_OPEN: Mapping[str, Callable[[bytes], bytes]] = {
    ".json": lambda content: content,
    ".json.gz": gzip.decompress,
}
_ENDPOINTS = "endpoints"


class ServiceFiles(JSONFileLoader):  # type: ignore[misc] # botocore has no types
    """Reads the files as the SDK does: the first of a name with and without compression."""

    def load_file(self, file_path: str) -> Any:  # noqa: ANN401 - JSON
        """Return what a file holds, or None if there is none."""
        for suffix, plain in _OPEN.items():
            path = Path(file_path + suffix)
            if path.is_file():
                return _parse(plain(path.read_bytes()), endpoints=path.stem == _ENDPOINTS)
        return None


class _Endpoints(msgspec.Struct):
    partitions: list[dict[str, msgspec.Raw]]


class _Services(Mapping[str, Any]):
    """The endpoints of a partition's services, each parsed when it is asked for."""

    def __init__(self, services: dict[str, msgspec.Raw]) -> None:
        self._services = services

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - JSON
        return msgspec.json.decode(self._services[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._services)

    def __len__(self) -> int:
        return len(self._services)


def _parse(content: bytes, *, endpoints: bool) -> Any:  # noqa: ANN401 - JSON
    try:
        return _parse_endpoints(content) if endpoints else msgspec.json.decode(content)
    except msgspec.DecodeError:
        return json.loads(content)


def _parse_endpoints(content: bytes) -> dict[str, Any]:
    partitions = msgspec.json.decode(content, type=_Endpoints).partitions
    return {
        "partitions": [
            {name: _parse_member(name, member) for name, member in partition.items()}
            for partition in partitions
        ]
    }


def _parse_member(name: str, member: msgspec.Raw) -> Any:  # noqa: ANN401 - JSON
    if name == "services":
        return _Services(msgspec.json.decode(member, type=dict[str, msgspec.Raw]))
    return msgspec.json.decode(member)
