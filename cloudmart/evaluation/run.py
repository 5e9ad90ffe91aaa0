"""A run of the evaluation: each case, as often as wanted, within a budget."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from cloudmart.ai.ports import ChatModel, Usage
from cloudmart.evaluation.case import EvaluationCase
from cloudmart.evaluation.judge import CaseFault, Weight, judge
from cloudmart.evaluation.record import CaseRecord
from cloudmart.evaluation.shop import EvaluationShop

Price = Callable[[Sequence[Usage]], Decimal | None]
"""Returns the cost of steps in US dollars, or None if no price is known."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case that was played once, and what is wrong with it."""

    case: EvaluationCase
    repetition: int
    record: CaseRecord
    faults: Sequence[CaseFault]
    cost: Decimal | None

    @property
    def passed(self) -> bool:
        """Return whether nothing is wrong that must be right."""
        return all(fault.weight < Weight.MUST for fault in self.faults)

    @property
    def lost(self) -> int:
        """Return the weight of the worst fault, 0 for none."""
        return max((fault.weight for fault in self.faults), default=0)


@dataclass(slots=True)
class EvaluationRun:
    """Plays cases with a model, as many at once as there are shops.

    No case begins once `budget` US dollars are spent. `tell` gets each result as it comes.
    """

    shops: Sequence[EvaluationShop]
    model: ChatModel
    price: Price
    tell: Callable[[CaseResult], None] = lambda _: None
    budget: Decimal | None = None
    spent: Decimal = Decimal()
    results: list[CaseResult] = field(default_factory=list)
    _waiting: deque[tuple[int, EvaluationCase]] = field(default_factory=deque)

    async def run(self, cases: Sequence[EvaluationCase], repeat: int = 1) -> None:
        """Play all cases; the results are in the cases' order."""
        places = {case.id: place for place, case in enumerate(cases)}
        self._waiting.extend((number, case) for case in cases for number in range(1, repeat + 1))
        async with asyncio.TaskGroup() as group:
            for shop in self.shops:
                group.create_task(self._play(shop))
        self.results.sort(key=lambda result: (places[result.case.id], result.repetition))

    @property
    def unplayed(self) -> int:
        """Return how many cases did not begin."""
        return len(self._waiting)

    async def _play(self, shop: EvaluationShop) -> None:
        while self._waiting and (self.budget is None or self.spent < self.budget):
            repetition, case = self._waiting.popleft()
            record = await shop.play(case, self.model)
            cost = self.price(record.usages)
            self.spent += cost or 0
            result = CaseResult(case, repetition, record, judge(case, record, cost), cost)
            self.results.append(result)
            self.tell(result)
