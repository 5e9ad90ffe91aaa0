"""The copy of the products in memory: when it is read, is current, and follows changes."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context
from dataclasses import dataclass, field
from enum import Enum

import structlog

from cloudmart.errors import NotFoundError, UnavailableError
from cloudmart.observability.metrics import CATALOGUE_AGE, CATALOGUE_READS, CATALOGUE_STALE_ANSWERS
from cloudmart.products.models import SHOWN, Product
from cloudmart.products.repository import ProductRepository
from cloudmart.products.snapshot import CatalogueSnapshot, ProductEntry
from cloudmart.settings import CatalogueSettings

_log = structlog.stdlib.get_logger(__name__)

SMALL = 1_000_000
"""Bytes of JSON up to which all products are read every CATALOGUE_TTL."""

LARGE = 16 * 1024 * 1024
"""With more bytes of JSON, no products are kept in memory."""

MOST_PRODUCTS = 5_000
"""With more products, none are kept in memory."""

LARGE_EVERY = 30.0
"""Seconds between two reads of a large catalogue; also those that a read may take."""

ASK_SIZE_EVERY = 600.0
"""Seconds after which products that were too many are read again, to see whether they still are."""

_BACK = 0.8
"""The share of a bound below which a catalogue that exceeded it counts as within it again."""

_RETRY_AFTER = 1.0
"""Seconds after a read that failed before the next."""

_PAGE = 200
"""Items of a page: no other request is served while they are read into entries."""


class CatalogueSize(Enum):
    """How a catalogue of some size is treated."""

    SMALL = "read every CATALOGUE_TTL"
    LARGE = "read every 30 s"
    TOO_LARGE = "not kept in memory"


class _TooLargeError(Exception):
    """There are more products than are kept in memory."""


@dataclass(slots=True, eq=False)
class CatalogueChange:
    """A change of this process that is under way; `result` is the product as it is stored then."""

    product_id: str
    result: Product | None = None
    removed: bool = False
    missing: bool = field(default=False, init=False)
    """Whether there was no such product."""
    crossed: bool = field(default=False, init=False)
    """Whether something else of the product, or of all, was read or written meanwhile."""


@dataclass(frozen=True, slots=True)
class HeldCatalogue:
    """A snapshot that may be answered; `age` is its seconds where it is older than promised."""

    snapshot: CatalogueSnapshot
    age: int | None = None


class CatalogueCache:
    """The copy of the products, read again while requests use it; one read at a time.

    A copy is current for the time in the settings, from the beginning of its read. It includes
    what this process has changed since. If it is not current, it answers None: read the table.
    """

    def __init__(
        self,
        products: ProductRepository,
        settings: CatalogueSettings,
        tell: Callable[[float | None], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the products; `tell` gets the age of the copy when it cannot be read again."""
        self._products = products
        self._settings = settings
        self._tell = tell
        self._clock = clock
        self._snapshot: CatalogueSnapshot | None = None
        self._began = -math.inf
        self._took = 0.0
        self._size = CatalogueSize.SMALL
        self._failing = False
        self._refused: UnavailableError | None = None
        self._not_before = -math.inf
        self.reading: asyncio.Task[None] | None = None
        self._slow: asyncio.Task[None] | None = None
        self._changes: list[CatalogueChange] = []
        self._ended = 0
        self._unsure: set[str] = set()
        self._unplaced = False
        if settings.ttl:
            CATALOGUE_AGE.set_function(lambda: self.age if self._snapshot else math.nan)

    @property
    def age(self) -> float:
        """Return the seconds since the read of the copy began."""
        return self._clock() - self._began

    @property
    def size(self) -> CatalogueSize:
        """Return how the catalogue is treated."""
        return self._size

    @property
    def failing(self) -> bool:
        """Return whether the last read failed."""
        return self._failing

    async def load(self, within: float) -> None:
        """Read the products for the first time; wait for that no longer than some seconds."""
        # A request before the end of the start had a read fail: this read need not wait for that.
        self._not_before = -math.inf
        if reading := self._read_anew():
            await asyncio.wait({reading}, timeout=within)

    async def close(self) -> None:
        """End a read that is under way."""
        if self.reading:
            self.reading.cancel()
            await asyncio.wait({self.reading})

    def list_now(self) -> CatalogueSnapshot | None:
        """Return all products in their order, or None if the copy is not current."""
        return None if self._unsure or self._unplaced else self._current()

    async def list_soon(self, *, ordered: bool) -> HeldCatalogue | None:
        """Return all products once they are read, or as they were while DynamoDB is away or slow.

        `ordered` needs their place among the others: where a page begins depends on it.

        Raises:
            UnavailableError: DynamoDB is away, and the copy is too old.
        """
        if snapshot := self.list_now():
            return HeldCatalogue(snapshot)
        reading, slow, refused = self._read_anew(), False, None
        if reading and not self._failing and self._size is not CatalogueSize.TOO_LARGE:
            slow = not await self._ended_in_time(reading)
            if snapshot := self.list_now():
                return HeldCatalogue(snapshot)
            refused = self._refused
        held = None
        if (self._failing or slow) and not (ordered and self._unplaced):
            held = self._stale()
        if held is None and refused:
            # The table would let this request wait for as long again.
            raise UnavailableError(str(refused)) from refused
        return held

    def entry(self, product_id: str) -> ProductEntry | None:
        """Return a product, or None where the table has to be asked."""
        snapshot = self._current()
        if snapshot is None or product_id in self._unsure:
            return None
        return snapshot.entries.get(product_id)

    def certain_entry(self, product_id: str) -> ProductEntry | None:
        """Return a product as it was at most CATALOGUE_TTL ago, or None."""
        entry = self.entry(product_id)
        return entry if self.age <= self._settings.ttl else None

    def stale_entry(self, product_id: str) -> tuple[ProductEntry, int] | None:
        """Return a product as it was, and its age, or None: for when DynamoDB is away."""
        if self._snapshot and product_id in self._snapshot.entries and (held := self._stale()):
            return held.snapshot.entries[product_id], held.age or 0
        return None

    @contextmanager
    def changing(self, product_id: str) -> Iterator[CatalogueChange]:
        """Wait for one of our changes to end, and apply it to the copy."""
        change = CatalogueChange(product_id)
        for other in self._changes:
            if other.product_id == product_id:
                other.crossed = change.crossed = True
        self._changes.append(change)
        try:
            yield change
        except NotFoundError:
            change.missing = change.removed = True
            raise
        finally:
            self._changes.remove(change)
            self._apply(change)

    async def _ended_in_time(self, reading: asyncio.Task[None]) -> bool:
        """Wait for a read, but no longer than for a call; one that is slow is waited for once."""
        if reading is not self._slow:
            with suppress(UnavailableError):
                async with self._products.budget():
                    # A waiting request may go away; the others wait for the same read.
                    await asyncio.wait({reading})
        if not reading.done():
            self._slow = reading
        return reading.done()

    def _current(self) -> CatalogueSnapshot | None:
        """Return the copy while it is certain, and begin the next read before it no longer is."""
        if not self._settings.ttl:
            return None
        age = self.age
        every = self._every
        # So early that mostly nobody waits for it.
        if age >= every - min(every / 2, 2 * self._took):
            self._read_anew()
        return self._snapshot if age < every else None

    @property
    def _every(self) -> float:
        ttl = self._settings.ttl
        return ttl if self._size is CatalogueSize.SMALL else max(ttl, LARGE_EVERY)

    def _stale(self) -> HeldCatalogue | None:
        age = self.age
        if self._snapshot is None or age > self._settings.max_stale:
            return None
        CATALOGUE_STALE_ANSWERS.inc()
        return HeldCatalogue(self._snapshot, int(age))

    def _apply(self, change: CatalogueChange) -> None:
        snapshot = self._snapshot
        if change.missing and (snapshot is None or change.product_id not in snapshot.entries):
            # A request for a product that does not exist overtakes no read.
            return
        self._ended += 1
        if snapshot is None:
            return
        if change.crossed or not (change.removed or change.result):
            # The change may have been made or not, or another one after it: the table knows.
            self._unsure.add(change.product_id)
            return
        self._unsure.discard(change.product_id)
        if change.removed:
            self._snapshot = snapshot.without(change.product_id)
        elif change.result:
            self._unplaced = self._unplaced or change.product_id not in snapshot.entries
            self._snapshot = snapshot.with_entry(ProductEntry.of(change.result))

    def _read_anew(self) -> asyncio.Task[None] | None:
        """Return the read that is under way, begun now if there was none and it is time for one."""
        if self.reading is None and self._settings.ttl and self._clock() >= self._not_before:
            # It belongs to no request: it has no request's log lines, and does not end with a
            # client.
            self.reading = asyncio.create_task(self._read(), context=Context())
            self.reading.add_done_callback(self._read_ended)
        return self.reading

    def _read_ended(self, _: asyncio.Task[None]) -> None:
        self.reading = self._slow = None

    async def _read(self) -> None:
        began, ended = self._clock(), self._ended
        try:
            async with asyncio.timeout(LARGE_EVERY):
                entries = await self._entries()
        except _TooLargeError:
            self._give_up()
            outcome = "too_large"
        except (UnavailableError, TimeoutError) as error:
            self._fail(error)
            outcome = "failed"
        except Exception as error:  # noqa: BLE001 - see below
            # The table answers instead, or fails in its own words.
            _log.exception("catalogue_unreadable")
            self._fail(error)
            outcome = "failed"
        else:
            self._succeed()
            outcome = "overtaken" if ended != self._ended else self._keep(entries, began)
        CATALOGUE_READS.labels(outcome).inc()

    async def _entries(self) -> dict[str, ProductEntry]:
        former = self._snapshot.entries if self._snapshot else {}
        share = _BACK if self._size is CatalogueSize.TOO_LARGE else 1.0
        entries: dict[str, ProductEntry] = {}
        size = 1
        async for page in self._products.scan(SHOWN, _PAGE):
            for item in page.items:
                entry = ProductEntry.read(item, former.get(item["id"]))
                entries[entry.product.id] = entry
                size += len(entry.answer.plain) + 1
            if len(entries) > MOST_PRODUCTS * share or size > LARGE * share:
                raise _TooLargeError
        self._size = self._size_of(size)
        return entries

    def _size_of(self, size: int) -> CatalogueSize:
        # What has been large must be clearly less before it is small again.
        bound = SMALL if self._size is CatalogueSize.SMALL else SMALL * _BACK
        return CatalogueSize.SMALL if size <= bound else CatalogueSize.LARGE

    def _keep(self, entries: dict[str, ProductEntry], began: float) -> str:
        former = self._snapshot
        self._snapshot = former.renewed(entries) if former else CatalogueSnapshot(entries)
        self._began, self._took = began, self._clock() - began
        self._unsure.clear()
        self._unplaced = False
        for change in self._changes:
            change.crossed = True
        return "unchanged" if self._snapshot is former else "changed"

    def _succeed(self) -> None:
        if self._failing:
            self._failing, self._refused = False, None
            self._tell(None)

    def _fail(self, error: Exception) -> None:
        self._failing = True
        self._refused = error if isinstance(error, UnavailableError) else None
        self._not_before = self._clock() + _RETRY_AFTER
        if self._snapshot:
            self._tell(self.age)
        _log.warning("catalogue_not_read", cause=repr(error.__cause__ or error))

    def _give_up(self) -> None:
        self._succeed()
        self._size = CatalogueSize.TOO_LARGE
        self._snapshot = None
        self._unsure.clear()
        self._unplaced = False
        self._not_before = self._clock() + ASK_SIZE_EVERY
        _log.warning("catalogue_too_large", products=MOST_PRODUCTS, bytes=LARGE)
