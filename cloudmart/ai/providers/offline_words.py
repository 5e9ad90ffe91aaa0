"""What the assistant without a model says."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from cloudmart.ai.ports import ToolResult
from cloudmart.ai.providers.offline_intent import Intent

NOTICE = "No AI provider is configured for this shop, so I answer by simple rules."
ASK_ORDER = (
    "Which order is it? Please tell me its number and the e-mail address it was placed with."
)
ASK_EMAIL = "Please tell me the e-mail address the order was placed with."
NOT_ALLOWED = (
    "I cannot do that here. Please write what you want and end this chat: the shop's staff read it."
)

ANSWERS = {
    Intent.GREETING: "Hello! What can I do for you?",
    Intent.THANKS: "You are welcome.",
    Intent.PERSON: "I am no person, and cannot fetch one. Please write what you want and end this "
    "chat: the shop's staff read it.",
}

_NOTHING_FOUND = "I found nothing that fits. Please try another word."
_ERRORS = {
    "not_found_or_not_verified": "I cannot find an order with that number and that e-mail "
    "address. Please check both.",
    "customer_must_sign_in": "Please sign in to the shop first: then I can see your orders.",
    "too_many_failed_lookups": "There were too many look-ups that found nothing. Please start a "
    "new chat, or end this one: the shop's staff read it.",
    "cannot_be_canceled_any_more": "That order cannot be canceled any more.",
    "only_canceled_orders_can_be_deleted": "Only orders that are canceled can be deleted.",
    "only_staff_can_do_this": NOT_ALLOWED,
    "one_change_at_a_time": "One change at a time, please: confirm the first one first.",
}
_FAILED = "That did not work. Please try again, or end this chat: the shop's staff read it."


def not_understood(tools: Collection[str]) -> str:
    """Return what is said to what makes no sense: what may be asked, by the tools there are."""
    wishes = ["for products (“do you have lamps?”)"]
    if "get_order" in tools:
        wishes.append("for an order (its number and your e-mail address)")
    if "cancel_order" in tools:
        wishes.append("to cancel one")
    return f"I did not understand that. You can ask me {', or '.join(wishes)}."


def told(result: ToolResult) -> str:
    """Return what became of a call, in words."""
    outcome = json.loads(result.output)
    if "error" in outcome:
        return _ERRORS.get(outcome["error"], _FAILED)
    if "products" in outcome:
        return "\n".join(map(_product, outcome["products"])) or _NOTHING_FOUND
    if outcome.get("status") == "customer_must_type_the_code":
        return "I cannot take that for the code."
    if "status" in outcome:
        return "Nothing is changed yet: to confirm, please reply with the line below."
    return _order(outcome["order"]) if "order" in outcome else _FAILED


def _product(product: Mapping[str, Any]) -> str:
    description = f": {product['description']}" if product.get("description") else ""
    return f"- {product['name']}, ${product['price']:.2f}{description}"


def _order(order: Mapping[str, Any]) -> str:
    placed = f" of {order['placed']}" if order.get("placed") else ""
    lines = [f"{line['quantity']} x {line['name']}" for line in order.get("items", ())]
    goods = f" ({', '.join(lines)})" if lines else ""
    return f"Order {order['id']}{placed} is {order['status']}: ${order['total']:.2f}{goods}."
