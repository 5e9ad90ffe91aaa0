"""Access: what callers without credentials may not do, and what an administrator may."""

from cloudmart.verify.connection import REACHED
from cloudmart.verify.context import VerifyContext, VerifyStep
from cloudmart.verify.step import StepFailedError, StepSkippedError

_PRODUCT = {"name": "Verification, please ignore", "price": 1.23}
_UNKNOWN = "verify0unknown0x"
_FOR_STAFF: tuple[tuple[str, str, object], ...] = (
    ("PUT", f"/api/products/{_UNKNOWN}", _PRODUCT),
    ("DELETE", f"/api/products/{_UNKNOWN}", None),
    ("PUT", f"/api/orders/{_UNKNOWN}", {"status": "Pending"}),
    ("DELETE", f"/api/orders/{_UNKNOWN}", None),
    ("GET", f"/api/tickets/{_UNKNOWN}", None),
    ("PUT", f"/api/tickets/{_UNKNOWN}", {"status": "closed"}),
    ("DELETE", f"/api/tickets/{_UNKNOWN}", None),
)
"""Routes for administrators, with requests that change nothing for any caller."""
_MORE_FOR_STAFF: tuple[tuple[str, str, object], ...] = (
    ("POST", "/api/products", {}),
    ("GET", "/api/orders?limit=1", None),
    ("GET", "/api/tickets?limit=1", None),
    ("GET", "/api/tickets/status?status=open&limit=1", None),
    ("GET", "/api/pipeline/status", None),
)
_REFUSED = (401, 403)
_MOST_TIMEOUTS = 2


def detect_access_mode(context: VerifyContext) -> str:
    """See whether anybody may list all orders."""
    answer = context.shop.get("/api/orders?limit=1")
    if answer.of_pod and answer.status in _REFUSED:
        answer.expect_problem(answer.status, "unauthorized", "forbidden")
        return "administrators sign in"
    answer.expect_list()
    context.open_to_all = True
    return "nobody is asked who they are (AUTH=off): anybody may do everything"


def sign_in(context: VerifyContext) -> str:
    """Do as an administrator what only they may do."""
    if context.open_to_all:
        raise StepSkippedError("nobody is asked who they are (AUTH=off)")
    context.need_rights()
    answer = context.shop.get("/api/orders?limit=1", admin=True)
    if answer.of_pod and answer.status in _REFUSED:
        context.shop.credentials = None
        raise answer.wrong("refuses these credentials: are they an administrator's of this shop?")
    answer.expect_list()
    return "the credentials are an administrator's"


def refuse_strangers(context: VerifyContext) -> str:
    """Try as anybody all that is for administrators."""
    if context.open_to_all:
        raise StepSkippedError("nobody is asked who they are (AUTH=off)")
    _try_all(context, (*_FOR_STAFF, *_MORE_FOR_STAFF), _REFUSED, admin=False)
    return f"{len(_FOR_STAFF) + len(_MORE_FOR_STAFF)} operations are refused to anybody"


def refuse_unknown_ids(context: VerifyContext) -> str:
    """Read, change and remove as an administrator what does not exist."""
    context.need_rights()
    _try_all(context, _FOR_STAFF, (404,), admin=True)
    return f"{len(_FOR_STAFF)} operations on what does not exist change nothing"


STEPS = (
    VerifyStep("rights-known", detect_access_mode, REACHED),
    VerifyStep("signed-in", sign_in, ("rights-known",)),
    VerifyStep("strangers-refused", refuse_strangers, ("rights-known",)),
    VerifyStep("unknown-ids-refused", refuse_unknown_ids, ("signed-in",)),
)


def _try_all(
    context: VerifyContext,
    operations: tuple[tuple[str, str, object], ...],
    statuses: tuple[int, ...],
    *,
    admin: bool,
) -> None:
    """Try all, and raise StepFailedError for those together that were not refused so."""
    faults: list[StepFailedError] = []
    for method, path, body in operations:
        try:
            answer = context.shop.ask(method, path, json=body, admin=admin)
            answer.expect(*statuses)
            answer.expect_problem(answer.status, "unauthorized", "forbidden", "not-found")
        except StepFailedError as fault:
            faults.append(fault)
        if sum(each.timed_out for each in faults) >= _MOST_TIMEOUTS:
            break
    if faults:
        sentence = "; ".join(map(str, faults))
        first = faults[0]
        raise StepFailedError(
            first.layer, sentence, request=first.request, timed_out=first.timed_out
        )
