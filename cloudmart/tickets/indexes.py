"""The index of the tickets' table, and the attributes of a ticket that it is made of."""

from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.schema import CREATED_AT, IndexedItems, TableIndex, created_at, in_shard

STATUS_SHARD = "statusShard"
TICKETS_BY_STATUS = TableIndex("statusShard-createdAt-index", STATUS_SHARD, CREATED_AT)

_STATUSES = {"open": "open", "in_progress": "in_progress", "closed": "closed", "resolved": "closed"}


def ticket_keys(ticket: Item) -> dict[str, str]:
    """Return the index attributes of a ticket; one without a known status is open, as it shows."""
    stored = ticket.get("status")
    word = stored if isinstance(stored, str) and stored else "open"
    shard = in_shard(_STATUSES.get(word, "open"), ticket["id"])
    return {STATUS_SHARD: shard, CREATED_AT: created_at(ticket), "status": word}


INDEXED_TICKETS = IndexedItems(
    "tickets",
    ticket_keys,
    ("status", CREATED_AT, "updatedAt", STATUS_SHARD),
    attributes=(STATUS_SHARD,),
    record="internal-index-keys-tickets",
)
