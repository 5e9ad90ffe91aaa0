"""Who changed which order through an assistant: an event for each change, without what was said."""

import hashlib
import hmac

import structlog

from cloudmart.ai.confirmation import Action
from cloudmart.dynamodb.secret import SharedSecret
from cloudmart.observability.metrics import ASSISTED_CHANGES
from cloudmart.orders.models import Order
from cloudmart.values.email import owner_form

_log = structlog.stdlib.get_logger(__name__)


class Audit:
    """Writes the events. Customers are known by a keyed hash, the same in every event of theirs."""

    def __init__(self, secret: SharedSecret) -> None:
        self._secret = secret

    async def customer(self, address: str) -> str:
        """Return the hash of a customer's e-mail address."""
        subject = b"audit " + owner_form(address)
        return hmac.digest(await self._secret.read(), subject, hashlib.sha256).hex()[:32]

    def changed(self, action: Action, customer: str, before: Order, after: Order | None) -> None:
        """Record a change; the request's id and the conversation's hash are in every event."""
        ASSISTED_CHANGES.labels(action).inc()
        _log.info(
            "order_changed_by_assistant", **_change(action, customer, before), after=_state(after)
        )

    def doubtful(self, action: Action, customer: str, before: Order) -> None:
        """Record a change that may or may not have been made: the store did not say."""
        _log.warning("order_change_unknown", **_change(action, customer, before))


def _change(action: Action, customer: str, before: Order) -> dict[str, object]:
    return {
        "action": action.value,
        "order_id": before.id,
        "customer": customer,
        "before": _state(before),
    }


def _state(order: Order | None) -> dict[str, object] | None:
    if order is None:
        return None
    return order.model_dump(mode="json", include={"status", "total", "updated_at"})
