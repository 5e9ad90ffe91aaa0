"""Where all is well, every finding says so, and every check reads what it declares."""

from collections.abc import Mapping

from cloudmart.doctor.command import DoctorChoices, diagnose_world
from cloudmart.doctor.registry import CHECKS, catalogue
from cloudmart.findings.finding import CheckFinding, CheckStatus
from tests.doctor.healthy import HealthyShop


async def test_where_all_is_well_every_finding_passes(shop: HealthyShop) -> None:
    found = await shop.look()

    not_well = {key: each for key, each in found.items() if each.status is not CheckStatus.PASS}
    assert not_well == {}
    assert list(found) == [each.id for each in catalogue()]


async def test_every_check_reads_all_that_it_declares(shop: HealthyShop) -> None:
    found = (await diagnose_world(DoctorChoices(), shop.world())).found

    declared: Mapping[str, set[str]] = {each.name: set(each.inputs) for each in CHECKS}
    assert found.reads == declared


def test_a_finding_is_told_with_its_page() -> None:
    finding = catalogue()["region-set"].finding(CheckStatus.PASS)

    assert isinstance(finding, CheckFinding)
    assert finding.docs == "docs/findings.md#region-set"
