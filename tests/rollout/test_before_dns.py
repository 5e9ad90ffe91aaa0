"""Calls from outside while the shop's name is not in DNS yet."""

import pytest

from tests.k8s.conftest import needs_kubectl
from tests.support.rollouts import Rig

pytestmark = needs_kubectl

NOWHERE = "http://shop.invalid"


def published(rig: Rig, address: str) -> None:
    """Let the load balancer's controller write an address when the Ingress exists."""

    def tell(_: float) -> None:
        ingress = rig.cluster.live("ingress/cloudmart-production-ingress")
        ingress["status"] = {"loadBalancer": {"ingress": [{"hostname": address}]}}

    rig.time.on_sleep = tell


def test_before_dns_knows_the_name_the_load_balancer_is_called(rig: Rig) -> None:
    published(rig, "localhost")

    ended = rig.run(url=f"{NOWHERE}:{rig.url.rpartition(':')[2]}")

    assert ended.code == 0, ended.told
    assert "shop.invalid is not known in DNS yet: localhost is asked instead." in ended.told
    assert "Point it at the load balancer: a CNAME (or an alias of Route 53) to localhost." in (
        ended.told
    )


def test_a_load_balancer_that_does_not_come_needs_a_person_on_a_first_roll_out(rig: Rig) -> None:
    ended = rig.run(url=NOWHERE)

    assert ended.code == 3
    assert "describe ingress cloudmart-production-ingress" in ended.told


def test_a_load_balancer_whose_name_is_not_known_yet_is_reported(rig: Rig) -> None:
    published(rig, "k8s-shop.invalid")

    ended = rig.run(url=NOWHERE)

    assert ended.code == 3
    assert "Point shop.invalid at k8s-shop.invalid and roll out again" in ended.told


@pytest.mark.parametrize("address", ["127.0.0.1:9", "localhost:1"])
def test_a_missing_shop_is_reported_with_the_address_that_was_called(
    rig: Rig, address: str
) -> None:
    rig.run()

    ended = rig.run(url=f"http://{address}")

    assert f"address-connects: balancer: nothing takes connections at {address}: " in ended.told
    assert "kubectl describe ingress cloudmart-production-ingress" in ended.told
