"""A case: what the shop holds, what the customer says, and what the answers must and must not be.

Cases are TOML files, each with any number of `[[case]]`. `docs/evaluation.md` explains them.
"""

import tomllib
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cloudmart.orders.models import OrderStatus
from cloudmart.settings import OrderTools

CODE = "{code}"
"""Stands for the code that the shop showed last, in what a customer says."""

WRONG_CODE = "{wrong_code}"
"""Stands for a code that the shop did not show."""

REMOVED = "removed"
"""What `after` says of an order that is there no more."""

_SUFFIX = ".toml"


class CaseFileError(Exception):
    """A file of cases cannot be used; the message says where and why."""


class CaseKind(StrEnum):
    """What a case is about."""

    BROWSING = "browsing"
    HELP = "help"
    OWN_ORDERS = "own-orders"
    OTHERS_ORDERS = "others-orders"
    CONFIRMATION = "confirmation"
    INJECTION = "injection"
    LANGUAGES = "languages"
    LONG_CHATS = "long-chats"
    REFUSALS = "refusals"
    NUMBERS = "numbers"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExpectedCall(_Part):
    """A call of a tool: a regular expression for each argument that matters."""

    name: str
    arguments: dict[str, str] = {}


class Expectations(_Part):
    """What is expected of one answer. Letter case, accents and white space do not matter.

    `contain` lists facts; of a list in it one is enough. `asks_to_confirm` tells whether the shop
    must show a code under the answer. `no_tools` names tools that must not be called.
    """

    tools: list[ExpectedCall] = []
    no_tools: list[str] = []
    contain: list[str | list[str]] = []
    lack: list[str] = []
    longest: int | None = Field(None, gt=0)
    asks_to_confirm: bool | None = None


class CaseTurn(_Part):
    """A message of the customer, `times` times in a row; the expectations are of each answer."""

    say: Annotated[str, Field(min_length=1)]
    times: int = Field(1, ge=1, le=60)
    must: Expectations = Expectations()
    should: Expectations = Expectations()


class CaseProduct(_Part):
    """A product that the shop sells in one case."""

    id: str
    name: str
    price: Decimal
    description: str = ""


class CaseOrder(_Part):
    """An order that was placed before: so many of each product, by the products' ids."""

    id: str
    email: str | None
    lines: dict[str, int] = {"1": 1}
    status: OrderStatus = OrderStatus.PENDING


class EvaluationCase(_Part):
    """One conversation and what is expected of it.

    `offline` marks the cases that the offline assistant is held to. Without `products` the shop
    has the sample catalogue, without `knowledge` the sample of the shop's own words. With `tickets`
    customers may write to the shop's staff. `signed_in` is
    the address that a token proved; without it customers are believed. `after` names the orders
    that have another status at the end, or are removed; every other order must be as it was.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    kind: CaseKind
    offline: bool = False
    order_tools: OrderTools = OrderTools.CANCEL
    tickets: bool = False
    signed_in: str | None = None
    products: list[CaseProduct] | None = None
    knowledge: str | None = None
    orders: list[CaseOrder] = []
    turns: Annotated[list[CaseTurn], Field(min_length=1)]
    after: dict[str, OrderStatus | Literal["removed"]] = {}
    most_cost: Annotated[Decimal, Field(gt=0)] | None = None
    """US dollars that the whole conversation may cost."""

    @model_validator(mode="after")
    def _names_its_orders(self) -> Self:
        strangers = self.after.keys() - {order.id for order in self.orders}
        if strangers:
            msg = f"`after` names orders that are not in the case: {', '.join(sorted(strangers))}"
            raise ValueError(msg)
        return self


def packaged_cases() -> list[EvaluationCase]:
    """Return the cases that come with CloudMart, in the order of their files' names."""
    return _load(resources.files(__package__).joinpath("cases"))


def load_cases(folder: Path) -> list[EvaluationCase]:
    """Return the cases of the TOML files in a folder.

    Raises:
        CaseFileError: a file is no TOML, a case is malformed, an id is used twice, there is none.
    """
    if not folder.is_dir():
        msg = f"{folder} is no folder."
        raise CaseFileError(msg)
    return _load(folder)


def _load(folder: Traversable) -> list[EvaluationCase]:
    files = sorted(
        (each for each in folder.iterdir() if each.name.endswith(_SUFFIX)),
        key=lambda each: each.name,
    )
    cases = [case for file in files for case in _cases_of(file)]
    if not cases:
        msg = f"{folder} holds no case: expected are files that end in {_SUFFIX}."
        raise CaseFileError(msg)
    _need_unique(cases)
    return cases


def _cases_of(file: Traversable) -> list[EvaluationCase]:
    try:
        told = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"{file.name} cannot be read: {error}"
        raise CaseFileError(msg) from error
    if told.keys() - {"case"}:
        msg = f"{file.name} may hold [[case]] tables only."
        raise CaseFileError(msg)
    return [_case(file.name, entry) for entry in told.get("case", [])]


def _case(name: str, entry: dict[str, Any]) -> EvaluationCase:
    try:
        return EvaluationCase.model_validate(entry)
    except ValidationError as error:
        msg = f"{name}, case {entry.get('id', '?')!r}: {first_fault(error, 'the case')}."
        raise CaseFileError(msg) from error


def first_fault(error: ValidationError, whole: str) -> str:
    """Return where the first fault is, and what it is; `whole` stands where no member has it."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"])) or whole
    return f"{place}: {first['msg']}"


def _need_unique(cases: Sequence[EvaluationCase]) -> None:
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            msg = f"Two cases have the id {case.id!r}."
            raise CaseFileError(msg)
        seen.add(case.id)
