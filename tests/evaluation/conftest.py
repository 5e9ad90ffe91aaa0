"""A shop for cases, on the embedded DynamoDB."""

from collections.abc import AsyncIterator

import aioboto3
import pytest

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.session import new_session
from cloudmart.evaluation.shop import EvaluationShop
from cloudmart.settings import Settings
from tests.support.shop_tables import CALL_WITHIN


@pytest.fixture(scope="session")
def session(engine: str) -> aioboto3.Session:  # noqa: ARG001 - its credentials
    """Provide one AWS session for all shops, because making one takes longer than most tests."""
    return new_session()


@pytest.fixture
async def evaluation_shop(
    settings: Settings, session: aioboto3.Session
) -> AsyncIterator[EvaluationShop]:
    """Provide a shop with its own tables."""
    database = Database(session, within=CALL_WITHIN)
    await database.open()
    try:
        shop = EvaluationShop(settings, database)
        await shop.open()
        yield shop
    finally:
        await database.close()
