"""E-mail addresses: checked, trimmed, and otherwise kept as they were given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from cloudmart.values.email import OptionalEmail, spellings


class _Customer(BaseModel):
    email: OptionalEmail = None


@given(st.emails(domains=st.sampled_from(["example.org", "Example.ORG", "shop.local"])))
def test_an_address_is_kept_as_given(address: str) -> None:
    assert _Customer.model_validate({"email": f" {address}\n"}).email == address


@pytest.mark.parametrize(
    "address",
    [
        *("ann@example.org", "Ann.Lee+shop@Example.ORG", "o'hara@example.org", "ann@shop.local"),
        *("ann@SHOP.LOCAL", "ann@shop.test", "ünal@example.org", "ann@münchen.de"),
    ],
)
def test_addresses_that_customers_have_are_accepted(address: str) -> None:
    assert _Customer.model_validate({"email": address}).email == address


@pytest.mark.parametrize("blank", [None, "", " ", "\t\n"])
def test_no_address_is_none(blank: str | None) -> None:
    assert _Customer.model_validate({"email": blank}).email is None


@pytest.mark.parametrize(
    "address",
    [
        *("ann", "ann@", "@example.org", "ann@@example.org", "a b@example.org", "ann@localhost"),
        *("ann@example.org\0", "ann\0@example.org", "ann@exam\ud800ple.org", "ann@[127.0.0.1]"),
        *("ann@" + "x" * 250 + ".org", "ann@example..org", "ann@.local"),
        *(7, True, ["ann@example.org"], {"email": "ann@example.org"}),
        "ann@example.org\r\nBcc: eve@example.org",
    ],
)
def test_what_is_no_address_is_refused(address: object) -> None:
    with pytest.raises(ValidationError):
        _Customer.model_validate({"email": address})


def test_a_space_is_a_plus_that_a_page_did_not_encode() -> None:
    assert spellings("a b@x.org") == ("a+b@x.org",)


def test_the_exact_spelling_comes_before_the_one_with_a_lower_case_domain() -> None:
    assert spellings("Ann@Example.ORG") == ("Ann@Example.ORG", "Ann@example.org")


@given(st.emails())
def test_an_address_is_looked_for_as_it_was_given_first(address: str) -> None:
    forms = spellings(address)

    assert forms[0] == address
    assert 1 <= len(forms) <= 2


@given(st.text(min_size=1))
def test_any_text_can_be_looked_for(text: str) -> None:
    forms = spellings(text)

    assert len(set(forms)) == len(forms)
    assert not any(" " in form for form in forms)
