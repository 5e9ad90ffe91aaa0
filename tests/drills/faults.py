"""The faults of the drills, each by the drill's name."""

from collections.abc import Callable

from tests.drills.shop import DrilledShop
from tests.support.faults import Fault, Refusal
from tests.support.loopback import Reply, Request
from tests.support.responses_api import error
from tests.support.shop_tables import put


def _refuse_identity(shop: DrilledShop) -> None:
    said = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    shop.sts.fail(Refusal(403, "AccessDenied", said), "AssumeRoleWithWebIdentity")


def _stop_dynamodb(shop: DrilledShop) -> None:
    shop.dynamodb.stop()


def _throttle(shop: DrilledShop) -> None:
    shop.dynamodb.fail(Fault.THROTTLED)


def _refuse_key(shop: DrilledShop) -> None:
    refused = error(401, "invalid_api_key", "Incorrect API key provided.")

    def answer(_: Request) -> Reply:
        return refused

    shop.world.providers.openai.answer = answer


def _poison(shop: DrilledShop) -> None:
    aws = shop.world.aws
    put(aws.client("dynamodb"), aws.names.orders_table, {"id": "poison", "createdAt": "not a time"})


def _change_configuration(shop: DrilledShop) -> None:
    (shop.config / "AWS_REGION").write_text("eu-central-1", "utf-8")


FAULTS: dict[str, Callable[[DrilledShop], None]] = {
    "identity-refused": _refuse_identity,
    "dynamodb-away": _stop_dynamodb,
    "dynamodb-throttled": _throttle,
    "provider-refusing": _refuse_key,
    "poison-record": _poison,
    "stale-configuration": _change_configuration,
}
