"""In every mode the document names exactly the callers that the service accepts."""

from typing import Any

import pytest

from cloudmart.access.rights import RIGHTS, Right
from cloudmart.api_docs.document import operations
from cloudmart.app import create_app
from cloudmart.cli.openapi import SHARED
from cloudmart.http.problem import MEDIA_TYPE
from cloudmart.settings import AccessSettings, Settings

PASSWORD: dict[str, list[str]] = {"password": []}
TOKEN: dict[str, list[str]] = {"token": []}
MODES: dict[str, tuple[dict[str, Any], dict[Right, list[dict[str, list[str]]]]]] = {
    "off": ({"auth": ("off",)}, {}),
    "basic": ({"auth": ("basic",)}, {Right.ADMIN: [PASSWORD]}),
    "jwt": (
        {"auth": ("jwt",)},
        {Right.ADMIN: [TOKEN], Right.CUSTOMER: [TOKEN], Right.GUEST: [{}, TOKEN]},
    ),
    "jwt, orders open": (
        {"auth": ("jwt",), "customer_orders": "open"},
        {Right.ADMIN: [TOKEN], Right.GUEST: [{}, TOKEN]},
    ),
    "both": (
        {"auth": ("basic", "jwt")},
        {
            Right.ADMIN: [PASSWORD, TOKEN],
            Right.CUSTOMER: [PASSWORD, TOKEN],
            Right.GUEST: [{}, TOKEN],
        },
    ),
}


@pytest.mark.parametrize("mode", MODES)
def test_an_operation_documents_its_access_and_its_refusals(mode: str) -> None:
    access, wanted = MODES[mode]
    document = create_app(Settings(access=AccessSettings(**access))).openapi()

    for method, path, operation in operations(document):
        asked = operation.get("security", [])
        answers = operation["responses"]
        right = RIGHTS[f"{method} {path}"]
        reserved = right is Right.TESTER and mode != "off"
        assert asked == wanted.get(right, []), path
        assert ("401" in answers) == bool(asked), path
        assert ("403" in answers) == ((TOKEN in asked and {} not in asked) or reserved), path
        assert ("WWW-Authenticate" in answers.get("401", {}).get("headers", {})) == bool(asked)
        codes = answers.get("429", {}).get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
        assert ("too-many-attempts" in codes) == (PASSWORD in asked), path
    used = {name for choice in wanted.values() for way in choice for name in way}
    assert set(document["components"].get("securitySchemes", {})) == used
    assert document["security"] == []


def test_the_shared_document_names_every_sign_in_method() -> None:
    schemes = create_app(SHARED).openapi()["components"]["securitySchemes"]

    assert {(scheme["type"], scheme["scheme"]) for scheme in schemes.values()} == {
        ("http", "basic"),
        ("http", "bearer"),
    }
