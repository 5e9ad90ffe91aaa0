"""What an assistant may do with orders: show them to their owner, and propose changes."""

import contextlib
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from botocore.exceptions import ClientError

from cloudmart.ai import confirmation_codes
from cloudmart.ai.confirmation_codes import OrderAction, PendingChange
from cloudmart.ai.conversations import ConversationRepository, Turn
from cloudmart.dynamodb.expression import Condition, Increment
from cloudmart.dynamodb.table import RefusedError, Table
from cloudmart.errors import (
    ConflictError,
    NotFoundError,
    TooManyLookupsError,
    UnavailableError,
)
from cloudmart.observability.metrics import ASSISTED_CHANGES
from cloudmart.orders.hmac_key import SharedSecret
from cloudmart.orders.models import Order, OrderStatus
from cloudmart.orders.repository import OrderRepository
from cloudmart.rates.limiting import FailedLookups
from cloudmart.settings import OrderTools
from cloudmart.values.email import owner_form
from cloudmart.values.timestamp import stamp

_log = structlog.stdlib.get_logger(__name__)

MOST_CHANGES = 3
_KEPT = timedelta(days=2)
MOST_FAILED_LOOKUPS = 5
"""Failed look-ups after which a conversation may look up no more orders."""

# One answer for orders that do not exist, are another's, or were named without an e-mail.
NOT_YOURS = {"error": "not_found_or_not_verified"}
_SIGN_IN = {"error": "customer_must_sign_in"}
_TOO_MANY = {"error": "too_many_failed_lookups"}
_ENOUGH = (
    "Nothing was changed: you have reached today's limit of changes. "
    "If you end the chat, the shop's staff read it and can help."
)
_NOT_NOW = (
    "Nothing was changed: the shop's data store does not answer at the moment. "
    "Please ask for the change again in a few minutes."
)
_NOT_HERE = (
    "Nothing was changed: orders cannot be changed in this chat. If you end the chat, the shop's "
    "staff read it and can help."
)
_RIGHTS = (OrderTools.OFF, OrderTools.READ, OrderTools.CANCEL, OrderTools.DELETE)
_MOST_LINES = 20


class Audit:
    """Writes the events. Customers are known by a keyed hash, the same in every event of theirs."""

    def __init__(self, secret: SharedSecret) -> None:
        self._secret = secret

    async def customer(self, address: str) -> str:
        """Return the hash of a customer's e-mail address."""
        subject = b"audit " + owner_form(address)
        return hmac.digest(await self._secret.read(), subject, hashlib.sha256).hex()[:32]

    def changed(
        self, action: OrderAction, customer: str, before: Order, after: Order | None
    ) -> None:
        """Record a change; the request's id and the conversation's hash are in every event."""
        ASSISTED_CHANGES.labels(action).inc()
        _log.info(
            "order_changed_by_assistant", **_change(action, customer, before), after=_state(after)
        )

    def doubtful(self, action: OrderAction, customer: str, before: Order) -> None:
        """Record a change that may or may not have been made: the store did not say."""
        _log.warning("order_change_unknown", **_change(action, customer, before))


def _change(action: OrderAction, customer: str, before: Order) -> dict[str, object]:
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


def owns(address: str, order: Order) -> bool:
    """Return whether an order is a customer's, in a time that depends on neither."""
    owner = owner_form(order.user_email or "")
    return owner != b"" and hmac.compare_digest(owner_form(address), owner)


class Allowance:
    """Counts the changes, in an item for each customer and day that all replicas add to."""

    def __init__(self, conversations: Table) -> None:
        self._table = conversations

    async def take(self, customer: str, turn: str) -> bool:
        """Count a change of a turn, or tell that there were enough.

        Customers are known by their hash.
        """
        moment = datetime.now(UTC)
        expires = int((moment + _KEPT).timestamp())
        count = {"changes": Increment(1), "turn": turn, "expiresAt": expires}
        few = Condition(
            "attribute_not_exists(#changes) OR #changes < :most", {"most": MOST_CHANGES}
        )
        key = f"changes-{customer}-{moment:%Y-%m-%d}"
        try:
            await self._table.update(key, set=count, when=few, create=True)
        except RefusedError as error:
            # It was counted already, by a try whose answer was lost.
            return bool(error.item.get("turn") == turn)
        return True


@dataclass(frozen=True, slots=True)
class OrderPolicy:
    """What the shop lets assistants do with orders; in `local` mode customers need no proof."""

    tools: OrderTools
    local: bool = False

    def allows(self, turn: Turn, right: OrderTools) -> bool:
        """Return whether an assistant may do this for the current speaker."""
        policy = self.tools
        if policy is OrderTools.AUTO:
            # An address proves nothing: anybody who knows it may list its orders, and name one.
            policy = OrderTools.CANCEL if turn.proved or self.local else OrderTools.READ
        return _RIGHTS.index(right) <= _RIGHTS.index(policy)


class OrderFinder:
    """Finds an order of the current speaker, who may name wrong ones a few times."""

    def __init__(
        self,
        orders: OrderRepository,
        conversations: ConversationRepository,
        lookups: FailedLookups,
    ) -> None:
        self._orders = orders
        self._conversations = conversations
        self._lookups = lookups

    async def find(self, turn: Turn, order_id: str) -> Order | dict[str, Any]:
        """Return the order, or the tool's answer in its place."""
        if turn.email is None:
            return _SIGN_IN if turn.must_sign_in else NOT_YOURS
        if turn.failed_lookups >= MOST_FAILED_LOOKUPS:
            return _TOO_MANY
        try:
            async with self._lookups.looking(turn.caller.client):
                # Ids are lower case; a telephone begins what is typed with a capital.
                for key in dict.fromkeys((order_id, order_id.lower())):
                    with contextlib.suppress(NotFoundError):
                        order = await self._orders.get(key)
                        if owns(turn.email, order):
                            return order
                await self._lookups.add(turn.caller.client)
                await self._conversations.count_failed_lookup(turn)
        except TooManyLookupsError:
            return _TOO_MANY
        return NOT_YOURS


class ChangeExecutor:
    """Carries out a change that was confirmed, as far as a customer may change that much."""

    def __init__(self, orders: OrderRepository, audit: Audit, allowance: Allowance) -> None:
        self._orders = orders
        self._audit = audit
        self._allowance = allowance

    async def carry_out(self, turn: Turn, pending: PendingChange) -> str:
        """Carry out a change, and return its result as a sentence.

        Raises:
            NotFoundError: there is no such order of the customer's, as they were shown it.
            ConflictError: it was changed meanwhile.
            UnavailableError: the store does not answer, and nothing was changed.
        """
        action = pending.action
        if turn.email is None:
            raise NotFoundError("Order", pending.order_id)
        customer = await self._audit.customer(turn.email)
        order = await self._orders.get(pending.order_id)
        if not owns(turn.email, order) or _version(order) != pending.version:
            raise NotFoundError("Order", pending.order_id)
        if not await self._allowance.take(customer, turn.lock):
            return _ENOUGH
        after: Order | None = None
        try:
            if action is OrderAction.CANCEL:
                after = await self._orders.cancel(order)
            else:
                await self._orders.erase(order)
        except (UnavailableError, ClientError) as error:
            if not await self._was_made(action, order):
                self._audit.doubtful(action, customer, order)
                _log.warning("order_change_unanswered", cause=repr(error))
                return _doubtful(action, order)
        self._audit.changed(action, customer, order, after)
        return f"Order {order.id} is {_done(action)}."

    async def _was_made(self, action: OrderAction, order: Order) -> bool:
        """Return whether a change can be seen whose answer did not come."""
        try:
            found = await self._orders.get(order.id)
        except NotFoundError:
            return action is OrderAction.DELETE
        except (UnavailableError, ClientError):
            return False
        return action is OrderAction.CANCEL and found.status is OrderStatus.CANCELED


class OrderChanges:
    """Serves the owners of orders. A model proposes; the customer confirms; this carries out."""

    def __init__(
        self,
        finder: OrderFinder,
        executor: ChangeExecutor,
        conversations: ConversationRepository,
        policy: OrderPolicy,
    ) -> None:
        self._finder = finder
        self._executor = executor
        self._conversations = conversations
        self._policy = policy

    def allows(self, turn: Turn, right: OrderTools) -> bool:
        """Return whether the shop lets assistants do this with orders for the current speaker."""
        return self._policy.allows(turn, right)

    async def show(self, turn: Turn, order_id: str) -> dict[str, Any]:
        """Return an order as its owner may see it."""
        found = await self._finder.find(turn, order_id)
        return {"order": _shown(found)} if isinstance(found, Order) else found

    async def propose(self, turn: Turn, action: OrderAction, order_id: str) -> dict[str, Any]:
        """Have the customer asked to confirm a change, if it is possible at all."""
        found = await self._finder.find(turn, order_id)
        if not isinstance(found, Order):
            return found
        if refusal := _refusal(action, found):
            return refusal
        proposal = turn.proposal
        if proposal is None:
            waiting = turn.conversation.pending
            if (
                isinstance(waiting, PendingChange)
                and _same(waiting, action, found)
                and not waiting.asked_anew(turn.message)
            ):
                turn.remind(waiting.reminder)
                return {"status": "customer_must_type_the_code", "order": _shown(found)}
            proposal = confirmation_codes.propose(
                turn.conversation.id, action, found.id, _version(found), _goods(found)
            )
            turn.propose(proposal)
        asked = proposal.pending
        if not isinstance(asked, PendingChange) or (asked.action, asked.order_id) != (
            action,
            found.id,
        ):
            return {"error": "one_change_at_a_time"}
        return {"status": "customer_is_asked_to_confirm", "order": _shown(found)}

    async def carry_out(self, turn: Turn, pending: PendingChange) -> str:
        """Carry out a change that was confirmed, and return the result as a sentence."""
        if not self.allows(turn, OrderTools(pending.action)):
            return _NOT_HERE
        try:
            return await self._executor.carry_out(turn, pending)
        except (NotFoundError, ConflictError):
            return (
                f"Order {pending.order_id} has changed since you were asked to confirm. "
                "Nothing was changed. Please ask again if you still want it."
            )
        except (UnavailableError, ClientError) as error:
            _log.warning("confirmation_not_carried_out", cause=repr(error))
            return _NOT_NOW


def _refusal(action: OrderAction, order: Order) -> dict[str, Any] | None:
    if action is OrderAction.CANCEL and not order.cancelable:
        return {"error": "cannot_be_canceled_any_more", "status": order.status}
    if action is OrderAction.DELETE and order.status is not OrderStatus.CANCELED:
        return {"error": "only_canceled_orders_can_be_deleted", "status": order.status}
    return None


def _same(waiting: PendingChange, action: OrderAction, order: Order) -> bool:
    """Return whether just this change waits for its code already."""
    asked = (waiting.action, waiting.order_id, waiting.version)
    return waiting.open and asked == (action, order.id, _version(order))


def _done(action: OrderAction) -> str:
    return "canceled" if action is OrderAction.CANCEL else "deleted"


def _doubtful(action: OrderAction, order: Order) -> str:
    return (
        f"I cannot tell whether order {order.id} is {_done(action)}: the shop's data store does "
        "not answer at the moment. Please ask for the order in a few minutes."
    )


def _version(order: Order) -> str:
    return f"{order.status} {stamp(order.updated_at) if order.updated_at else ''}"


def _shown(order: Order) -> dict[str, Any]:
    lines = [{"name": line.name[:200], "quantity": line.quantity} for line in order.items]
    return {
        "id": order.id,
        "status": order.status,
        "placed": order.created_at.date().isoformat() if order.created_at else None,
        "total": float(order.total),
        "items": lines[:_MOST_LINES],
    }


def _goods(order: Order) -> str:
    count = sum(line.quantity for line in order.items)
    return f"{count} {'item' if count == 1 else 'items'}, ${order.total:.2f}"
