"""What must hold: orders arrive, add up and get to BigQuery; products are whole."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from cloudmart.dynamodb.call_metrics import ReadUnits, counted_units
from cloudmart.dynamodb.codec import Item
from cloudmart.orders.internal_items import is_order
from cloudmart.orders.models import Order, total_of
from cloudmart.pipeline.orders_by_day import OrdersByDay
from cloudmart.pipeline.unknown import UnknownError
from cloudmart.pipeline.watch.query_threads import Questions
from cloudmart.products.catalogue import Catalogue
from cloudmart.settings import InvariantSettings
from cloudmart.values.timestamp import now, read_time

ORDERS_ARRIVE = "orders_arrive"
ORDER_TOTALS = "order_totals"
ORDERS_IN_BIGQUERY = "orders_in_bigquery"
PRODUCTS_COMPLETE = "products_complete"

MOST_UNITS = 2000.0
"""Units to read that one check may consume: 16 MB of orders. Beyond it, it is not known."""

EXAMPLES = 5
"""Ids of what contradicts an invariant that a line of the log names."""

_DAY = timedelta(days=1)
_ON_ITS_WAY = timedelta(minutes=15)
"""An order that is younger may still be on its way to BigQuery."""
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class InvariantResult:
    """How much contradicts an invariant: None where that is not known, and then why."""

    violations: int | None
    examples: Sequence[str] = ()
    why: str = ""
    units: float = 0.0


@dataclass(frozen=True, slots=True)
class _PlacedOrder:
    id: str
    at: datetime
    adds_up: bool


class Invariants:
    """Asks the orders' index by day, BigQuery, and the products in memory."""

    def __init__(  # noqa: PLR0913 - what is asked, and the bounds
        self,
        orders: OrdersByDay,
        questions: Questions | str,
        catalogue: Catalogue,
        settings: InvariantSettings,
        *,
        clock: Callable[[], datetime] = now,
        most_units: float = MOST_UNITS,
    ) -> None:
        self._orders = orders
        self._questions = questions
        self._catalogue = catalogue
        self._settings = settings
        self._now = clock
        self._most_units = most_units

    async def check(self) -> dict[str, InvariantResult]:
        """Return what is known of each invariant that applies here."""
        checks: dict[str, Callable[[ReadUnits], Awaitable[InvariantResult]]] = {
            ORDER_TOTALS: self._order_totals,
            PRODUCTS_COMPLETE: self._products_complete,
        }
        if self._settings.order_silence:
            checks[ORDERS_ARRIVE] = self._orders_arrive
        if not isinstance(self._questions, str):
            checks[ORDERS_IN_BIGQUERY] = self._orders_in_bigquery
        return {name: await self._checked(check) for name, check in checks.items()}

    async def _checked(
        self, check: Callable[[ReadUnits], Awaitable[InvariantResult]]
    ) -> InvariantResult:
        with counted_units() as spent:
            try:
                found = await check(spent)
            except UnknownError as reason:
                found = InvariantResult(None, why=str(reason))
        return InvariantResult(found.violations, found.examples, found.why, spent.units)

    async def _orders_arrive(self, _: ReadUnits) -> InvariantResult:
        moment = self._now()
        patience = timedelta(minutes=self._settings.order_silence)
        opened = opening_before(moment, self._settings)
        if opened is None or moment - opened < patience:
            return InvariantResult(0)
        await self._check_index()
        newest = await self._orders.newest(moment.date())
        last = max(opened, newest.at) if newest else opened
        return InvariantResult(int(moment - last >= patience))

    async def _order_totals(self, spent: ReadUnits) -> InvariantResult:
        return _contradicting([each.id for each in await self._placed(spent) if not each.adds_up])

    async def _orders_in_bigquery(self, spent: ReadUnits) -> InvariantResult:
        if isinstance(self._questions, str):
            raise UnknownError(self._questions)
        arrived = self._now() - _ON_ITS_WAY
        due = [each for each in await self._placed(spent) if each.at <= arrived]
        if not due:
            return InvariantResult(0)
        since = self._now() - _DAY
        theirs = await self._questions.learn(lambda warehouse: warehouse.ids(since))
        return _contradicting([each.id for each in due if each.id not in theirs])

    async def _products_complete(self, spent: ReadUnits) -> InvariantResult:
        lacking = []
        async for page in (await self._catalogue.find()).pages:
            self._check_units(spent)
            lacking += [
                each.id for each in page.items if not (each.image.strip() and each.for_sale)
            ]
        return _contradicting(lacking)

    async def _placed(self, spent: ReadUnits) -> list[_PlacedOrder]:
        """Return the orders of the last day."""
        await self._check_index()
        moment = self._now()
        placed = []
        async for items in self._orders.items_since(moment - _DAY, moment.date()):
            self._check_units(spent)
            placed += [order for item in items if (order := _placed_order(item))]
        return placed

    async def _check_index(self) -> None:
        await self._orders.check(await self._orders.describe())

    def _check_units(self, spent: ReadUnits) -> None:
        if spent.units > self._most_units:
            raise UnknownError(
                f"A check may read {self._most_units:.0f} units of DynamoDB, and needs more."
            )


def opening_before(moment: datetime, settings: InvariantSettings) -> datetime | None:
    """Return since when orders are expected without a break, or None while they are not."""
    zone = ZoneInfo(settings.zone)
    begin, end = settings.hours
    here = moment.astimezone(zone)
    if begin == end:
        return here - 2 * _DAY
    # Hours that end after midnight may have begun yesterday.
    for back in (0, 1):
        day = here.date() - timedelta(days=back)
        opens = datetime.combine(day, time.fromisoformat(begin), zone)
        closes = datetime.combine(day, time.fromisoformat(end), zone)
        if closes <= opens:
            closes = datetime.combine(day + _DAY, time.fromisoformat(end), zone)
        if opens <= here < closes:
            return opens
    return None


def _contradicting(ids: Sequence[str]) -> InvariantResult:
    return InvariantResult(len(ids), ids[:EXAMPLES])


def _placed_order(item: Item) -> _PlacedOrder | None:
    created = read_time(item.get("createdAt"))
    if created is None or not is_order(item["id"]):
        return None
    with suppress(ValidationError):
        order = Order.read_whole(item)
        return _PlacedOrder(item["id"], created, abs(order.total - total_of(order.items)) < _CENT)
    # What cannot be read does not add up either.
    return _PlacedOrder(item["id"], created, adds_up=False)
