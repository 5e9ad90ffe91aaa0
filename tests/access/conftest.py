"""An administrator, an issuer of tokens, and shops with access control."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from pydantic import SecretStr

from cloudmart.app import create_app
from cloudmart.settings import AccessSettings, Settings
from tests.support.ready_app import serving, still
from tests.support.token_issuer import Issuer, issuing

PASSWORD = "correct horse, battery: staple ü"  # noqa: S105 - a test's own
# The cheapest accepted hash, because no test here is about its cost.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)
ADMIN = ("ann", PASSWORD)
ADMIN_USERS = SecretStr(f"ann:{CHEAP.hash(PASSWORD)}\nbob:{CHEAP.hash('another password')}")
BASIC = AccessSettings(auth=("basic",), admin_users=ADMIN_USERS)

OpenShop = Callable[[AccessSettings], TestClient]


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """Provide an issuer for all tests of a module."""
    with issuing() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def open_shop(shared_settings: Settings) -> Iterator[OpenShop]:
    """Provide a function that opens a shop with some access settings, once for each module."""
    opened: dict[str, TestClient] = {}
    with ExitStack() as stack:

        def open_with(access: AccessSettings) -> TestClient:
            key = repr(access)
            if key not in opened:
                settings = shared_settings.model_copy(update={"access": access})
                app = create_app(settings, process=still(settings))
                opened[key] = stack.enter_context(serving(app))
            return opened[key]

        yield open_with
