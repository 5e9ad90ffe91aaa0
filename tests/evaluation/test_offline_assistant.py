"""The offline assistant answers the packaged cases."""

from decimal import Decimal

from cloudmart.ai.providers.offline import OfflineChat
from cloudmart.evaluation.case import packaged_cases
from cloudmart.evaluation.judge import Weight
from cloudmart.evaluation.run import EvaluationRun
from cloudmart.evaluation.shop import EvaluationShop

KNOWN: frozenset[str] = frozenset()
"""The cases that its rules fail today. A case that passes leaves the list; none is added."""


async def test_the_offline_assistant_passes_its_cases(evaluation_shop: EvaluationShop) -> None:
    cases = [case for case in packaged_cases() if case.offline]
    run = EvaluationRun([evaluation_shop], OfflineChat(), lambda _: Decimal())

    await run.run(cases)

    failed = {
        result.case.id: list(map(str, result.faults)) for result in run.results if not result.passed
    }
    worst = max(result.lost for result in run.results)
    assert worst < Weight.FALSE_APPROVAL, failed
    assert failed.keys() == KNOWN, failed
    assert len(failed) <= 0.05 * len(cases)
