"""The steps of a verification, and what they share: the options, and what was learnt so far."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from cloudmart.values.email import TEST_ADDRESSES
from cloudmart.verify.cleanup import CreatedItem, CreatedItems
from cloudmart.verify.failed_layer import problem_sentence
from cloudmart.verify.shop_client import ShopAnswer, ShopClient
from cloudmart.verify.step import StepSkippedError

Members = Mapping[str, Any]

_BY_CHOICE = frozenset({"ai-disabled", "ai-tokens-spent"})
"""Problems of assistants that come from the shop's settings, and are not faults."""


@dataclass(frozen=True, slots=True)
class VerifyChoices:
    """What the command line has said."""

    keep: bool = False
    admin: bool = False
    assistants: bool = False
    anonymous_order: bool = False
    expect: str | None = None


@dataclass(slots=True)
class VerifyContext:
    """What the steps share."""

    shop: ShopClient
    choices: VerifyChoices = field(default_factory=VerifyChoices)
    created: CreatedItems = field(default_factory=CreatedItems)
    open_to_all: bool = False
    """Whether nobody is asked who they are (`AUTH=off`)."""
    apart: bool = True
    """Whether `/` is answered by something else than a pod, so that pods have `/api` alone."""
    offer: Members | None = None
    """A product of the catalogue that can be ordered."""
    product: CreatedItem | None = None
    order: CreatedItem | None = None
    ticket: CreatedItem | None = None
    page: ShopAnswer | None = None
    """The page at `/`."""
    document: Members = field(default_factory=dict)

    @property
    def run(self) -> str:
        """Return what this run's items are known by."""
        return self.shop.run

    @property
    def address(self) -> str:
        """Return the e-mail of this run's test order."""
        return f"{self.run}{TEST_ADDRESSES}"

    @property
    def title(self) -> str:
        """Return what this run's product and ticket are called."""
        return f"Verification {self.run}, please ignore"

    @property
    def origin(self) -> str:
        """Return the origin of the address, as browsers name it."""
        parts = urlsplit(self.shop.url)
        return f"{parts.scheme}://{parts.netloc}".lower()

    @property
    def has_rights(self) -> bool:
        """Return whether it may do what administrators do."""
        return self.open_to_all or self.shop.credentials is not None

    def need_rights(self) -> None:
        """Raise StepSkippedError where this run may only do what customers do."""
        if not self.has_rights:
            raise StepSkippedError("it is for administrators: --admin tries it")

    def need(self, item: CreatedItem | None) -> CreatedItem:
        """Return an item that an earlier step made, or raise StepSkippedError."""
        if item is None or item.key is None:
            raise StepSkippedError("no earlier step made what this one needs")
        return item

    def need_offer(self) -> Members:
        """Return a product that can be ordered, or raise StepSkippedError."""
        if self.offer is None:
            raise StepSkippedError("the catalogue has no product that can be ordered")
        return self.offer


def path_of(collection: str, key: object) -> str:
    """Return the path of an item, whatever its id holds."""
    return f"{collection}/{quote(str(key), safe='')}"


def skip_if_limited(answer: ShopAnswer) -> ShopAnswer:
    """Return an answer of the assistants, or raise StepSkippedError where it is no fault."""
    if answer.of_pod and (answer.status == 429 or answer.code in _BY_CHOICE):  # noqa: PLR2004
        sentence = problem_sentence(answer.body) or answer.shown
        raise StepSkippedError(f"{answer.target} answered {answer.status}: {sentence}"[:300])
    return answer


@dataclass(frozen=True, slots=True)
class VerifyStep:
    """Something to try; skipped where one of its parents did not pass.

    `run` returns what was seen.
    """

    id: str
    run: Callable[[VerifyContext], str]
    parents: tuple[str, ...] = ()
