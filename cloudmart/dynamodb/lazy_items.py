"""Pages of items that are parsed one by one, when they are needed.

Parsing a whole page at once blocks the event loop. Finding where its items begin and end
takes a tenth of that.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from cloudmart.dynamodb.codec import Item, decode_item

LazyItem = Raw | Mapping[str, Any]
"""An item in DynamoDB's JSON: as bytes, or as the SDK has parsed it."""


_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_ITEMS = msgspec.json.Decoder(list[Raw])


def parse_page(answer: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Return the answer to a query or a scan with its items unparsed, or raise ValueError.

    Any other answer is parsed whole.
    """
    # Everything is checked here, so that no item can fail later: the text by `decode`, the JSON by
    # the decoder that finds the items.
    answer.decode()
    try:
        members = _MEMBERS.decode(answer)
        items = _ITEMS.decode(members.pop("Items"))
    except (msgspec.DecodeError, KeyError):
        return json.loads(answer)
    return {name: json.loads(bytes(raw)) for name, raw in members.items()} | {"Items": items}


def decode_lazy(sent: LazyItem) -> Item:
    """Return an item of a page as code works with it."""
    return decode_item(sent if isinstance(sent, Mapping) else json.loads(bytes(sent)))


def decode_all(sent: Sequence[LazyItem]) -> list[Item]:
    """Return some items of a page as code works with them."""
    return list(map(decode_lazy, sent))
