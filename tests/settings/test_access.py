"""Settings of access: incomplete ones, contradictions, and what serving needs."""

import pytest

from cloudmart.settings import SignInMethod, load_settings
from cloudmart.settings.load import for_serving
from tests.settings.good import GOOD

USERS = GOOD["ADMIN_USERS"]
HASH = USERS.partition(":")[2]
JWT = {name: GOOD[name] for name in ("JWT_ISSUER", "JWT_AUDIENCE")}


def refused(**environ: str) -> list[str]:
    """Return the sentences with which a start with an environment is refused."""
    return [fault.sentence for fault in load_settings(environ).report.refusals]


@pytest.mark.parametrize(
    "users",
    [
        USERS,
        f"{USERS} bob:{HASH}",
        f"{USERS}\nbob:{HASH}\njürgen@shop.org:{HASH}",
        f"{USERS}\r\n\tbob:{HASH}",
        "ann:$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQxMjM$c29tZWhhc2hvZjMyYnl0ZXM",
    ],
)
def test_administrators_are_pairs_divided_by_white_space(users: str) -> None:
    assert refused(AUTH="basic", ADMIN_USERS=users) == []


@pytest.mark.parametrize(
    ("users", "what"),
    [
        ("ann", "has no name and colon before the hash in pair 1"),
        (f":{HASH}", "has no name and colon before the hash in pair 1"),
        (f"{USERS} {HASH}", "has no name and colon before the hash in pair 2"),
        (f"{USERS},bob:{HASH}", "has no argon2id hash in pair 1"),
        (f"{USERS} {USERS}", "has a name twice, again in pair 2"),
        ("ann:hunter2", "has no argon2id hash in pair 1"),
        ("ann:", "has no argon2id hash in pair 1"),
        (f"ann:{HASH[:-30]}", "has no argon2id hash in pair 1"),
        (f"ann:{HASH}$x", "has no argon2id hash in pair 1"),
        ("ann:$2b$12$abcdefghijklmnopqrstuv", "has no argon2id hash in pair 1"),
        (
            f"ann:{HASH.replace('argon2id', 'argon2i')}",
            "has no argon2id hash in pair 1",
        ),
        (
            f"ann:{HASH.replace('m=19456', 'm=4096')}",
            "has a hash that is too cheap or too expensive to check in pair 1",
        ),
        (
            f"ann:{HASH.replace('m=19456', 'm=4194304')}",
            "has a hash that is too cheap or too expensive to check in pair 1",
        ),
        (
            f"ann:{HASH.replace('t=2', 't=900')}",
            "has a hash that is too cheap or too expensive to check in pair 1",
        ),
    ],
)
def test_a_malformed_administrator_is_refused_and_not_shown(users: str, what: str) -> None:
    (fault,) = load_settings({"AUTH": "basic", "ADMIN_USERS": users}).report.refusals

    assert fault.what == what
    assert fault.shown == f"{len(users)} characters"


@pytest.mark.parametrize(
    ("environ", "sentences"),
    [
        ({"AUTH": "basic"}, ["ADMIN_USERS is not set although AUTH is `basic`."]),
        (
            {"AUTH": "jwt"},
            [
                "JWT_ISSUER is not set although AUTH is `jwt`.",
                "JWT_AUDIENCE is not set although AUTH is `jwt`.",
            ],
        ),
        (
            {"AUTH": "basic, jwt", "ADMIN_USERS": USERS, "JWT_ISSUER": JWT["JWT_ISSUER"]},
            ["JWT_AUDIENCE is not set although AUTH is `jwt`."],
        ),
        (
            {"AUTH": "off,basic", "ADMIN_USERS": USERS},
            ["AUTH names `off` together with basic or jwt: it must be one or the other."],
        ),
        (
            {"AUTH": "basic", "ADMIN_USERS": USERS, "CUSTOMER_ORDERS": "signed-in"},
            [
                "CUSTOMER_ORDERS makes customers sign in, but AUTH does not name jwt.",
            ],
        ),
        ({"AUTH": "off"}, []),
        ({"AUTH": "jwt", **JWT}, []),
        ({"AUTH": "jwt", **JWT, "CUSTOMER_ORDERS": "open"}, []),
    ],
)
def test_a_sign_in_method_needs_all_of_its_settings(
    environ: dict[str, str], sentences: list[str]
) -> None:
    assert refused(**environ) == sentences


@pytest.mark.parametrize(
    ("environ", "signed_in"),
    [
        ({}, False),
        ({"AUTH": "off"}, False),
        ({"AUTH": "basic", "ADMIN_USERS": USERS}, False),
        ({"AUTH": "jwt", **JWT}, True),
        ({"AUTH": "jwt,basic", "ADMIN_USERS": USERS, **JWT}, True),
        ({"AUTH": "jwt", **JWT, "CUSTOMER_ORDERS": "open"}, False),
        ({"AUTH": "jwt", **JWT, "CUSTOMER_ORDERS": "signed-in"}, True),
    ],
)
def test_customers_sign_in_if_they_can_unless_a_setting_forbids_it(
    environ: dict[str, str], *, signed_in: bool
) -> None:
    assert load_settings(environ).settings.access.signed_in is signed_in


@pytest.mark.parametrize(
    ("environ", "faults"),
    [
        ({}, ["AUTH"]),
        ({"ENVIRONMENT": "staging"}, ["AUTH"]),
        ({"ENVIRONMENT": "local"}, []),
        ({"AUTH": "off"}, []),
        ({"AUTH": "nobody"}, ["AUTH"]),
        ({"AUTH": ","}, ["AUTH"]),
        ({"DEGRADED_START": "true"}, ["AUTH"]),
    ],
)
def test_serving_needs_auth_except_in_local_mode(
    environ: dict[str, str], faults: list[str]
) -> None:
    report = for_serving(load_settings(environ)).report

    assert [fault.name for fault in report.refusals] == faults


def test_an_incomplete_sign_in_method_still_asks_in_local_mode() -> None:
    loaded = load_settings({"ENVIRONMENT": "local", "AUTH": "basic", "ADMIN_USERS": "ann:hunter2"})

    assert loaded.report.refusals == ()
    assert loaded.settings.access.ways == (SignInMethod.BASIC,)
    assert loaded.settings.access.admin_users is None
