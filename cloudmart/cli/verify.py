"""`cloudmart verify`: the shop at an address, tried as its customers and its staff use it."""

import os
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, NoReturn
from urllib.parse import urlsplit
from urllib.request import getproxies

import typer

from cloudmart.cli.ended_by_signals import ended_by_signals
from cloudmart.findings.finding import CheckExit, CheckStatus, exit_of
from cloudmart.findings.output import as_json, as_junit, closing_lines, lines_of, skips_of
from cloudmart.findings.progress import RunProgress
from cloudmart.verify.context import VerifyChoices, VerifyContext
from cloudmart.verify.credentials import AdminCredentials, is_private_host
from cloudmart.verify.run import NOTHING_LEFT, VerifyRun
from cloudmart.verify.shop_client import ShopClient
from cloudmart.verify.step import StepFailedError, StepFinding

NAME, PASSWORD, TOKEN = "VERIFY_USER", "VERIFY_PASSWORD", "VERIFY_TOKEN"
_COLORS = {
    CheckStatus.PASS: "green",
    CheckStatus.WARN: "yellow",
    CheckStatus.FAIL: "red",
    CheckStatus.SKIP: "dim",
    CheckStatus.UNKNOWN: "yellow",
}


def _address(value: str) -> str:
    try:
        parts = urlsplit(value)
        known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.path.strip("/") or parts.query or parts.fragment:
        raise typer.BadParameter("give the shop's address, such as https://shop.example.com")
    if parts.username is not None or parts.password is not None:
        raise typer.BadParameter(
            f"an address must not contain a password: set {NAME} and {PASSWORD}, or {TOKEN}"
        )
    return value.rstrip("/")


def verify(
    url: Annotated[
        str, typer.Argument(callback=_address, help="The shop: https://shop.example.com")
    ],
    *,
    as_json_document: Annotated[
        bool, typer.Option("--json", help="Print the findings for a program.")
    ] = False,
    junit: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Also write the findings to a file, as JUnit's XML."),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep what the command creates, and list it.")
    ] = False,
    admin: Annotated[
        bool,
        typer.Option(
            "--admin", help=f"Sign in with {NAME} and {PASSWORD}, with {TOKEN}, or at a prompt."
        ),
    ] = False,
    assistants: Annotated[
        bool,
        typer.Option("--assistants", help="Send one message to each assistant. This costs money."),
    ] = False,
    anonymous_order: Annotated[
        bool, typer.Option("--anonymous-order", help="Place a guest's order. It is a real order.")
    ] = False,
    expect: Annotated[
        str | None, typer.Option(help="The id of the roll-out that must answer.")
    ] = None,
) -> None:
    """Try the shop from outside, as its customers and its staff use it.

    It leaves two empty chats, which expire. With --admin, or where nobody need sign in (AUTH=off),
    it also makes a product, an order and a ticket, and removes them again, also at Ctrl-C.
    --assistants and --anonymous-order make more. Exit codes: 0 nothing failed; 1 something failed;
    2 its arguments are wrong; 3 the command itself failed. Ended
    by a signal: 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP.
    """
    if junit is not None and not junit.resolve().parent.is_dir():
        raise typer.BadParameter(f"{junit.parent} is no folder", param_hint="--junit")
    _need_usable_proxy()
    choices = VerifyChoices(keep, admin, assistants, anonymous_order, expect)
    watcher = _Watcher(quiet=as_json_document)
    with closing(ShopClient(url)) as shop:
        if admin:
            shop.credentials = _credentials(shop, os.environ)
        run = VerifyRun(VerifyContext(shop, choices), watcher)
        code = CheckExit.BROKE
        try:
            with ended_by_signals(), watcher:
                run.run()
            code = CheckExit.BROKE if run.broke else exit_of(run.findings)
        finally:
            # Also of a run that was broken off.
            if junit is not None:
                _write(junit, as_junit(run.findings, "verify"))
            if as_json_document:
                sys.stdout.write(as_json(run.findings, code, url=url, run=shop.run) + "\n")
    watcher.sums_up(run)
    raise typer.Exit(code)


class _Watcher(RunProgress):
    """Writes a line for each step, and what is tried now."""

    def begins(self, key: str) -> None:
        """Show what is tried."""
        self.show(f"{key} …")

    def ends(self, finding: StepFinding) -> None:
        """Write its result."""
        if finding.status is CheckStatus.SKIP:
            return  # they are shown at the end, a line for each reason
        first, *rest = lines_of(finding)
        took = f" ({finding.seconds:.2f} s)" if finding.seconds else ""
        self.write(first + took, _COLORS[finding.status], len(str(finding.status)))
        for line in rest:
            self.write(line)
        if finding.id == NOTHING_LEFT:
            sys.stdout.flush()

    def sums_up(self, run: VerifyRun) -> None:
        """Write how many passed, and what to do first."""
        for line in skips_of(run.findings):
            self.write(line, _COLORS[CheckStatus.SKIP], len(CheckStatus.SKIP))
        for line in closing_lines(run.findings):
            self.write(line)


def _credentials(shop: ShopClient, environ: Mapping[str, str]) -> AdminCredentials | None:
    """Return what an administrator signs in with, if the shop asks for it; never shown."""
    if not _asks(shop):
        return None
    _need_privacy(shop.url)
    if token := environ.get(TOKEN):
        return AdminCredentials(token=token)
    name, password = environ.get(NAME), environ.get(PASSWORD)
    if name and password:
        return AdminCredentials(name, password)
    if not sys.stdin.isatty():
        _wrong(
            f"--admin needs credentials: set {NAME} and {PASSWORD}, or {TOKEN}. There is no "
            "terminal to ask for them at."
        )
    name = name or typer.prompt("Name", err=True)
    return AdminCredentials(name, typer.prompt("Password", hide_input=True, err=True))


def _asks(shop: ShopClient) -> bool:
    """Return whether callers must sign in; if that is unknown, the run will report why."""
    try:
        return shop.get("/api/orders?limit=1").status in {401, 403}
    except StepFailedError:
        return False


def _need_privacy(url: str) -> None:
    """End where credentials would cross the internet as plain text."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not is_private_host(host):
        _wrong(f"--admin would send credentials to {host} as plain text: use https://")


def _need_usable_proxy() -> None:
    """End where the environment names a proxy of a kind that cannot be asked."""
    for name, address in sorted(getproxies().items()):
        if name in {"http", "https", "all"} and address.lower().startswith("socks"):
            _wrong(
                f"The variable {name}_proxy names a SOCKS proxy, which verify cannot use: "
                "name an http:// proxy, or unset it."
            )


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        sys.stderr.write(f"{file} could not be written: {error.strerror}.\n")


def _wrong(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(CheckExit.CALLED_WRONGLY)
