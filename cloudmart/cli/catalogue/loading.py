"""Loads a file into the catalogue: new products are added, changed ones changed."""

import asyncio
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from cloudmart.cli.catalogue.reading import BadEntry, CatalogueEntry
from cloudmart.cli.data_store_errors import Tell, store_retry
from cloudmart.errors import ConflictError, UnavailableError
from cloudmart.products.models import Product
from cloudmart.products.repository import ProductRepository
from cloudmart.values.ids import new_id

BATCH = 100
"""Entries that are compared together: as many as DynamoDB reads at once."""

AT_ONCE = 16
"""Writes that run at once."""

EVERY = 10.0
"""Seconds between two lines of progress if there is no terminal."""


@dataclass(slots=True)
class LoadTally:
    """The results of a file's entries."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    bad: int = 0
    without_id: int = 0

    @property
    def seen(self) -> int:
        """Return how many entries there were, the bad ones too."""
        return self.new + self.changed + self.unchanged + self.bad


class CatalogueLoader:
    """Compares entries with the catalogue, a hundred at a time, and writes what differs.

    What an entry does not say, and what none can say (stock, times), stays as it is stored.
    """

    def __init__(self, products: ProductRepository, tell: Tell, *, dry_run: bool) -> None:
        self._products = products
        self._tell = tell
        self._dry_run = dry_run
        self._under_way = asyncio.Semaphore(AT_ONCE)
        # Hashes rather than ids: a file may hold millions.
        self._seen: set[int] = set()
        self._written = False
        self.tally = LoadTally()

    async def load(self, found: Iterable[CatalogueEntry | BadEntry]) -> None:
        """Load all that a file holds, in its order: of entries with one id, the last wins."""
        try:
            for batch in self._batches(found):
                await self._load_batch(batch)
        except UnavailableError:
            self._tell(
                "Stopped before the end. Entries that are loaded stay. Load the file again to "
                "continue."
                if self._written
                else "Stopped. Nothing was loaded."
            )
            raise

    def _batches(
        self, found: Iterable[CatalogueEntry | BadEntry]
    ) -> Iterator[dict[str, CatalogueEntry]]:
        batch: dict[str, CatalogueEntry] = {}
        for one in found:
            if isinstance(one, BadEntry):
                self.tally.bad += 1
                self._tell(f"{one.place}: {one.reason}")
                continue
            key = one.id or new_id()
            if self._came_before(key):
                self._tell(f"{one.place}: id {key!r} came before; this entry takes its place")
            if key in batch or len(batch) == BATCH:
                yield batch
                batch = {}
            batch[key] = one
        if batch:
            yield batch

    def _came_before(self, key: str) -> bool:
        before = len(self._seen)
        self._seen.add(hash(key))
        return len(self._seen) == before

    async def _load_batch(self, batch: dict[str, CatalogueEntry]) -> None:
        known: dict[str, Product] = await store_retry(self._tell)(
            self._products.find_whole, list(batch)
        )
        differing = {key: one for key, one in batch.items() if _differs(one, known.get(key))}
        if not self._dry_run:
            await asyncio.gather(*(self._write(key, one) for key, one in differing.items()))
        new = len(batch.keys() - known)
        self.tally.new += new
        self.tally.changed += len(differing) - new
        self.tally.unchanged += len(batch) - len(differing)
        self.tally.without_id += sum(one.id is None for one in batch.values())

    async def _write(self, key: str, one: CatalogueEntry) -> None:
        async with self._under_way:
            if one.id is not None:
                await store_retry(self._tell)(self._products.save, key, one.product)
            else:
                product = Product.create(one.product).model_copy(update={"id": key})
                await store_retry(self._tell)(self._add, product)
            self._written = True

    async def _add(self, product: Product) -> None:
        try:
            await self._products.add(product)
        except ConflictError:
            # Was it an earlier attempt of ours, whose answer was lost?
            if await self._products.get(product.id) != product:
                raise


def _differs(one: CatalogueEntry, known: Product | None) -> bool:
    if known is None:
        return True
    said = one.product.model_dump(exclude_unset=True)
    # A name is stored without the blanks around it, but not by every older version.
    stored = known.model_dump() | {"name": known.name.strip()}
    return any(value != stored[name] for name, value in said.items())


if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _Watched(RawIOBase):
    def __init__(self, file: BufferedReader, advance: Callable[[int], None]) -> None:
        self._file = file
        self._advance = advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        count = self._file.readinto1(buffer)
        self._advance(count)
        return count


@contextmanager
def with_progress(file: BufferedReader, title: str) -> Iterator[tuple[BufferedReader, Tell]]:
    """Show how far a file has been read; give the file to read, and where to say things."""
    console = Console(stderr=True)

    def tell(sentence: str) -> None:
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    total = _size(file)
    if not console.is_terminal:
        lines = ProgressLines(title, total, tell)
        yield BufferedReader(_Watched(file, lines.advance)), tell
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield BufferedReader(_Watched(file, lambda count: progress.advance(task, count))), tell


class ProgressLines:
    """Says every ten seconds how far something has come, where no bar can move."""

    def __init__(
        self,
        title: str,
        total: int | None,
        tell: Tell,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title = title
        self._total = total
        self._tell = tell
        self._monotonic = monotonic
        self._read = 0
        self._next = monotonic() + EVERY

    def advance(self, count: int) -> None:
        """Count bytes that were read, and say so if it is time."""
        self._read += count
        if (now := self._monotonic()) >= self._next:
            self._next = now + EVERY
            of = f" of {self._total:,}" if self._total else ""
            self._tell(f"{self._title}: {self._read:,}{of} bytes read")


def _size(file: BufferedReader) -> int | None:
    try:
        status = os.fstat(file.fileno())
    except OSError:  # no file of the system's
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
