"""The page that customers see: that it is one, and that a browser may call this API for it."""

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from cloudmart.verify.connection import REACHED
from cloudmart.verify.context import VerifyContext, VerifyStep
from cloudmart.verify.shop_client import ShopAnswer
from cloudmart.verify.step import StepFailedError, StepSkippedError

_SCRIPT = re.compile(rb"""<script[^>]+?src\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)
_MOST_SCRIPTS = 10
# An address of an API, in a page or in a script: `/api/…`, `"api/…`, `https://shop.example.com/api`.
_CALL = re.compile(rb"""(?:(https?://[A-Za-z0-9.\-:\[\]]+)|["'`=(\s])/?api(?=["'`/])""")
_PUBLIC = re.compile(r'"publicBaseUrl":\s*"([^"]+)"')


def read_page(context: VerifyContext) -> str:
    """Read the page at `/`."""
    page = context.shop.ask("GET", "/", headers={"Accept": "text/html"})
    context.apart = not page.of_pod
    page.expect(200)
    if page.kind != "text/html":
        raise page.wrong(f"is no page: it is {page.kind or 'of no kind'}: {page.shown}")
    context.page = page
    return f"a page of {len(page.body)} bytes"


def read_scripts(context: VerifyContext) -> str:
    """Read in the page and its scripts which API they call."""
    page = context.page
    if page is None:
        raise StepSkippedError("no page was read")
    scripts = list(_scripts(context, page))
    calls = [found for text in (page.body, *scripts) for found in _CALL.findall(text)]
    others = {each.decode() for each in calls if each}
    ours = {urlsplit(each).netloc for each in (context.origin, _public_origin(context) or "")}
    if b"" in calls or any(urlsplit(each).netloc.lower() in ours for each in others):
        return f"a page that calls this API; {len(scripts)} scripts were read"
    if others:
        raise page.wrong(f"is a page that calls another API than this one: {', '.join(others)}")
    raise page.wrong(
        f"is a page that calls no API: neither it nor {len(scripts)} scripts name /api"
    )


def check_cors(context: VerifyContext) -> str:
    """Ask as a browser does whether the page may place an order."""
    origin = _public_origin(context) or context.origin
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,idempotency-key",
    }
    preflight = context.shop.ask("OPTIONS", "/api/orders", headers=asked)
    if preflight.headers.get("Access-Control-Allow-Origin") in {origin, "*"}:
        return f"pages of {origin} may call it"
    if origin != context.origin:
        raise preflight.wrong(f"lets no page of {origin} call the API: {preflight.status}")
    # For a page of the same origin a browser asks for no leave, and names the origin all the same.
    same = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    answer = context.shop.ask("POST", "/api/orders", json={}, headers=same)
    answer.expect_problem(422, "invalid-request")
    return f"pages of {origin} call their own origin"


STEPS = (
    VerifyStep("page-answers", read_page, REACHED),
    VerifyStep("page-calls-api", read_scripts, ("page-answers",)),
    VerifyStep("page-may-call", check_cors, REACHED),
)


def _scripts(context: VerifyContext, page: ShopAnswer) -> Iterator[bytes]:
    """Yield the scripts of a page that come from its own origin, some at most."""
    for source in list(dict.fromkeys(_SCRIPT.findall(page.body)))[:_MOST_SCRIPTS]:
        address = urljoin(f"{context.origin}/", source.decode(errors="replace"))
        if address.startswith(f"{context.origin}/"):
            path = address.removeprefix(context.origin)
            script = context.shop.ask("GET", path, headers={"Accept": "*/*"}).expect(200)
            if script.kind == "text/html":
                raise script.wrong("is no script, but a page: the storefront's build is not whole")
            yield script.body


def _public_origin(context: VerifyContext) -> str | None:
    """Return the origin that the service itself believes to be the shop's, if it says one."""
    try:
        told = context.shop.ask("GET", "/api/config.js", headers={"Accept": "*/*"})
    except StepFailedError:
        return None
    found = _PUBLIC.search(told.body.decode(errors="replace")) if told.of_pod else None
    if found is None:
        return None
    parts = urlsplit(found[1])
    return f"{parts.scheme}://{parts.netloc}".lower()
