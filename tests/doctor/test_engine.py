"""The order in which checks run, and the result of checks that cannot run."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from cloudmart.doctor.check import CheckResult, DoctorCheck, RunCheck, passed, trouble
from cloudmart.doctor.engine import Waiting, examine, with_parents
from cloudmart.doctor.inputs import Inputs, NotAskedError, NotKnownError
from cloudmart.doctor.target import DoctorTarget
from cloudmart.findings.catalogue import FindingCatalogue, FindingEntry
from cloudmart.findings.finding import CheckFinding, CheckStatus
from cloudmart.settings import load_settings

FAIL, WARN, SKIP = CheckStatus.FAIL, CheckStatus.WARN, CheckStatus.SKIP
UNKNOWN, PASS = CheckStatus.UNKNOWN, CheckStatus.PASS
SETTINGS = frozenset({"settings"})


def catalogue(*ids: str, severity: CheckStatus = FAIL) -> FindingCatalogue:
    """Return a catalogue of some ids."""
    return FindingCatalogue(
        {key: FindingEntry(key, "any", severity, "It holds.", "Why.", "Do.") for key in ids}
    )


def answering(*results: CheckResult, error: Exception | None = None) -> RunCheck:
    """Return a function that yields some results, and may then fail."""

    async def run(_: Inputs) -> AsyncIterator[CheckResult]:
        for each in results:
            yield each
        if error:
            raise error

    return run


def check(*ids: str, run: RunCheck | None = None, parents: tuple[str, ...] = ()) -> DoctorCheck:
    """Return a check that reads nothing."""
    return DoctorCheck(ids, run or answering(), frozenset(), parents, seconds=5)


def target(**environ: str) -> DoctorTarget:
    """Return a target that has nothing but variables."""
    return DoctorTarget(environ, load_settings(environ))


async def statuses(*checks: DoctorCheck) -> Mapping[str, tuple[CheckStatus, str]]:
    """Return the results of checks, by finding."""
    ids = [key for each in checks for key in each.findings]
    found = await examine(checks, target(), catalogue(*ids))
    return {each.id: (each.status, each.observed) for each in found.findings}


async def test_what_a_check_does_not_mention_passes() -> None:
    run = answering(trouble("b", "seen"))

    assert await statuses(check("a", "b", run=run)) == {"a": (PASS, ""), "b": (FAIL, "seen")}


async def test_a_failed_parent_skips_its_children_and_nothing_else() -> None:
    failing = answering(trouble("parent", "broken"))

    found = await statuses(
        check("grandchild", parents=("child",)),
        check("child", parents=("parent",)),
        check("parent", "sibling", run=failing),
        check("child-of-sibling", parents=("sibling",)),
        check("stranger"),
    )

    assert found == {
        "grandchild": (SKIP, "parent failed"),
        "child": (SKIP, "parent failed"),
        "parent": (FAIL, "broken"),
        "sibling": (PASS, ""),
        "child-of-sibling": (PASS, ""),
        "stranger": (PASS, ""),
    }


@pytest.mark.parametrize(
    ("error", "status", "observed", "child"),
    [
        (NotAskedError("not set"), SKIP, "not set", (SKIP, "not set")),
        (NotKnownError("no right"), UNKNOWN, "no right", (PASS, "")),
        (ZeroDivisionError(), UNKNOWN, "the check has a bug: ZeroDivisionError", (PASS, "")),
    ],
)
async def test_an_unknown_finding_has_a_reason(
    error: Exception, status: CheckStatus, observed: str, child: tuple[CheckStatus, str]
) -> None:
    run = answering(passed("told", "before"), error=error)

    found = await statuses(check("told", "rest", run=run), check("child", parents=("rest",)))

    assert found == {"told": (PASS, "before"), "rest": (status, observed), "child": child}


async def test_a_check_that_does_not_end_is_given_up() -> None:
    async def endless(_: Inputs) -> AsyncIterator[CheckResult]:
        yield passed("a", "told")
        await asyncio.Event().wait()

    found = await examine(
        [DoctorCheck(("a", "b"), endless, frozenset(), seconds=0.05)], target(), catalogue("a", "b")
    )

    assert [(each.status, each.observed) for each in found.findings] == [
        (PASS, "told"),
        (UNKNOWN, "no answer within 0 s"),
    ]


async def test_a_broken_check_is_distinguished_from_a_failed_one() -> None:
    broken = check("a", run=answering(error=ZeroDivisionError()))

    found = await examine([broken], target(), catalogue("a"))

    assert found.broken == ["run"]


async def test_a_check_reads_what_it_declares_and_nothing_else() -> None:
    async def look(inputs: Inputs) -> AsyncIterator[CheckResult]:
        assert inputs.source
        yield passed("a", inputs.environ["NAME"])

    declared = DoctorCheck(("a",), look, SETTINGS | {"environment"})
    undeclared = DoctorCheck(("a",), look, SETTINGS)

    told = await examine([declared], target(NAME="value"), catalogue("a"))
    refused = await examine([undeclared], target(NAME="value"), catalogue("a"))

    assert told.findings[0].observed == "value"
    assert told.reads == {"look": {"environment", "settings"}}
    assert refused.findings[0].observed == "the check has a bug: UndeclaredInputError"


async def test_of_two_results_of_one_finding_the_worse_counts() -> None:
    run = answering(trouble("a", "one", fix="Mend one."), passed("a", "two"), trouble("a", "three"))

    found = await examine([check("a", run=run)], target(), catalogue("a"))

    assert found.findings == [
        CheckFinding("a", "any", FAIL, "one; three", "Why.", "Mend one.", "docs/findings.md#a")
    ]


async def test_a_check_that_may_settle_is_waited_for() -> None:
    answers = iter([trouble("a", "0 of 2"), trouble("a", "1 of 2"), passed("a", "2 of 2")])
    told: list[str] = []

    async def look(_: Inputs) -> AsyncIterator[CheckResult]:
        yield next(answers)

    patient = DoctorCheck(("a",), look, frozenset(), settles=60)
    found = await examine(
        [patient, check("b", parents=("a",))],
        target(),
        catalogue("a", "b"),
        Waiting(60, 0, told.append),
    )

    assert [each.status for each in found.findings] == [PASS, PASS]
    assert told == ["a: 0 of 2", "a: 1 of 2"]


async def test_it_waits_only_if_asked_to() -> None:
    run = answering(trouble("a", "0 of 2"))
    patient = DoctorCheck(("a",), run, frozenset(), settles=60)

    found = await examine([patient], target(), catalogue("a"))

    assert found.findings[0].status is FAIL


async def test_several_checks_share_one_call(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("text")
    asked: list[str] = []

    async def look(inputs: Inputs) -> AsyncIterator[CheckResult]:
        assert await inputs.text_of(str(file)) == "text"

        async def ask() -> None:
            asked.append("once")

        await inputs.once("key", ask)
        yield passed("a")

    files = frozenset({"files"})
    await examine(
        [DoctorCheck(("a",), look, files), DoctorCheck(("b",), _as_b(look), files)],
        target(),
        catalogue("a", "b"),
    )

    assert asked == ["once"]


def test_parents_come_along() -> None:
    checks = [check("a"), check("b", "c", parents=("a",)), check("d", parents=("c",)), check("e")]

    assert [each.findings[0] for each in with_parents(checks, ["d"])] == ["a", "b", "d"]


def _as_b(look: RunCheck) -> RunCheck:
    async def run(inputs: Inputs) -> AsyncIterator[CheckResult]:
        async for _ in look(inputs):
            yield passed("b")

    return run
