"""Runs of cases: repeated, within a budget, with their cost."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from cloudmart.ai.ports import ChatModel, Usage
from cloudmart.evaluation.case import EvaluationCase
from cloudmart.evaluation.command import cost_of
from cloudmart.evaluation.run import EvaluationRun
from cloudmart.evaluation.shop import EvaluationShop
from tests.support.scripted_chat import Line, ScriptedChat

USED = Usage(input_tokens=1000, output_tokens=200, cached_tokens=400)


class Luna(ScriptedChat):
    """A scripted model with the prices of OpenAI's model."""

    model = "gpt-6-luna"
    priced_by = "openai"


def hello(times: int) -> list[Line]:
    """Return a script of this many answers."""
    return [USED, "Hello."] * times


def cases(*names: str) -> list[EvaluationCase]:
    """Return cases with one message."""
    told = {"kind": "browsing", "turns": [{"say": "Hello"}]}
    return [EvaluationCase.model_validate({"id": name, **told}) for name in names]


async def test_no_case_begins_once_the_budget_is_spent(evaluation_shop: EvaluationShop) -> None:
    model = Luna(*hello(3))
    run = EvaluationRun([evaluation_shop], model, lambda _: Decimal("0.6"), budget=Decimal("1.00"))

    await run.run(cases("first", "second", "third"))

    assert [result.case.id for result in run.results] == ["first", "second"]
    assert (run.spent, run.unplayed) == (Decimal("1.2"), 1)


async def test_each_case_is_played_as_often_as_wanted(evaluation_shop: EvaluationShop) -> None:
    model = Luna(*hello(4))
    run = EvaluationRun([evaluation_shop], model, lambda _: None)

    await run.run(cases("first", "second"), repeat=2)

    played = [(result.case.id, result.repetition) for result in run.results]
    assert played == [("first", 1), ("first", 2), ("second", 1), ("second", 2)]
    assert run.results[0].record.usages == [USED]


@pytest.mark.parametrize(
    ("model", "usages", "cost"),
    [
        (Luna(), [USED, USED], Decimal("0.000328")),
        (Luna(), [], Decimal()),
        (Luna(), [USED, Usage()], None),
        (ScriptedChat(), [USED], None),
    ],
)
def test_a_cost_is_that_of_the_list_of_prices_or_unknown(
    model: ChatModel, usages: Sequence[Usage], cost: Decimal | None
) -> None:
    assert cost_of(model, usages) == cost
