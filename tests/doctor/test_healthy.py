"""In a healthy shop every finding passes, and every check reads the inputs that it declares."""

from cloudmart.doctor.command import DoctorChoices, diagnose_target
from cloudmart.doctor.registry import CHECKS, catalogue
from cloudmart.findings.finding import CheckFinding, CheckStatus
from tests.doctor.healthy import HealthyShop


async def test_where_all_is_well_every_finding_passes(shop: HealthyShop) -> None:
    found = await shop.look_until_known()
    shop.with_an_agent()
    with_an_agent = await shop.look_until_known("bedrock")

    agents = {key for key, each in with_an_agent.items() if each.status is CheckStatus.PASS}
    fine = {key for key, each in found.items() if each.status is CheckStatus.PASS}
    assert {key: each for key, each in found.items() if key not in fine | agents} == {}
    assert {"bedrock-agent-prepared", "bedrock-alias-version"} <= agents
    assert list(found) == [each.id for each in catalogue()]


async def test_every_check_reads_all_that_it_declares(shop: HealthyShop) -> None:
    reads = {each.name: set[str]() for each in CHECKS}
    for change in (None, shop.on_a_laptop, shop.with_an_agent):
        if change:
            change()
        found = (await diagnose_target(DoctorChoices(), shop.target())).found
        for name, read in found.reads.items():
            reads[name] |= read

    assert reads == {each.name: set(each.inputs) for each in CHECKS}


async def test_from_a_laptop_nothing_fails_where_all_is_well(shop: HealthyShop) -> None:
    shop.on_a_laptop()

    found = await shop.look_until_known()

    fine = {CheckStatus.PASS, CheckStatus.SKIP}
    assert {key: each for key, each in found.items() if each.status not in fine} == {}


def test_a_finding_is_reported_with_its_page() -> None:
    finding = catalogue()["region-set"].finding(CheckStatus.PASS)

    assert isinstance(finding, CheckFinding)
    assert finding.docs == "docs/findings.md#region-set"
