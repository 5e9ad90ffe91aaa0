"""`cloudmart rollout`: puts a release into a cluster, and goes back if it fails."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, NoReturn
from urllib.parse import urlsplit

import typer

from cloudmart.rollout.output import ExitCode

_WIDEST = 86_400


def _filled(value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise typer.BadParameter("it is empty")
    return value


def _address(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.query or parts.fragment:
        raise typer.BadParameter("give an address such as https://shop.example.com")
    return value.rstrip("/")


def rollout(
    environment: Annotated[str, typer.Argument(help="The overlay: staging or production.")],
    *,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Print what the command would do, without calling a cluster."
        ),
    ] = False,
    skip_tables: Annotated[
        bool, typer.Option("--skip-tables", help="Do not change the tables and their indexes.")
    ] = False,
    skip_storefront: Annotated[
        bool, typer.Option("--skip-storefront", help="Do not check the storefront's page.")
    ] = False,
    context: Annotated[
        str | None,
        typer.Option(callback=_filled, help="The cluster, by its name in kubectl's configuration."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            callback=_address,
            help="The shop's address from outside, if it is not the public one.",
        ),
    ] = None,
    timeout: Annotated[
        int, typer.Option(min=1, max=_WIDEST, help="Seconds that the new pods may take.")
    ] = 900,
    tables_timeout: Annotated[
        int, typer.Option(min=1, max=_WIDEST, help="Seconds that the tables may take.")
    ] = 3600,
    answers_within: Annotated[
        int,
        typer.Option(
            min=1, max=_WIDEST, help="Seconds that the shop may take to answer from outside."
        ),
    ] = 120,
    manifests: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="The folder k8s/ of a checkout, if you are not in one."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="The file for the report of all steps and answers."),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False, help="Only write the running objects to this file, to go back later."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report at the end, for a program.")
    ] = False,
) -> None:
    """Roll an environment out: the tables, the pods, the access to them; then call it from outside.

    If the new pods do not become ready or do not answer, the old ones come back. Exit codes: 0,
    it rolled out. 1, it did not, and the previous release runs. 2, its arguments are wrong. 3, it
    did not roll out, or not completely, and a person must act.
    """
    # Not imported above: the commands of a pod do not need it.
    from cloudmart.doctor.command import reasons_of_pods  # noqa: PLC0415
    from cloudmart.rollout.command import RolloutCommand, run_rollout  # noqa: PLC0415
    from cloudmart.rollout.pod_faults import RolloutLimits  # noqa: PLC0415
    from cloudmart.rollout.run import RolloutChoices  # noqa: PLC0415

    folder = manifests or _found()
    if folder is None:
        _wrong(
            "There are no manifests here: run it in a checkout of CloudMart, or name the folder "
            "k8s/ of one with --manifests."
        )
    public = _environments(folder)
    if environment not in public:
        _wrong(
            f"{environment!r} is no environment to roll out: it may be {' or '.join(public)}."
            if public
            else f"{folder} is not the folder k8s/ of a checkout."
        )
    command = RolloutCommand(
        overlay=folder / "overlays" / environment,
        choices=RolloutChoices(
            environment, url, tables=not skip_tables, storefront=not skip_storefront
        ),
        limits=RolloutLimits(timeout, tables_timeout, answers_within),
        context=context,
        dry_run=dry_run,
        save=save,
        report=report,
        complaints=lambda: _complaints(folder, environment),
        explain=reasons_of_pods,
    )
    code, document = run_rollout(command)
    if as_json:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    raise typer.Exit(code)


def _found() -> Path | None:
    """Return where the manifests are: in the checkout this is called in, or comes from."""
    here = Path.cwd()
    places = (*(here, *here.parents), Path(__file__).parents[2])
    return next((each / "k8s" for each in places if _environments(each / "k8s")), None)


def _environments(folder: Path) -> list[str]:
    """Return the environments that an operator fills in; none where these are no manifests."""
    if folder.resolve().name != "k8s" or not (folder / "check.py").is_file():
        return []
    return sorted(each.parent.name for each in folder.glob("overlays/*/operator.yaml"))


def _complaints(folder: Path, environment: str) -> str:
    """Return what is still to be filled in, as the check beside the manifests tells it."""
    ended = subprocess.run(  # noqa: S603 - Python, with our own module
        [sys.executable, "-m", "k8s.check", environment],
        cwd=folder.resolve().parent,
        capture_output=True,
        check=False,
        text=True,
    )
    return ended.stderr.strip() if ended.returncode else ""


def _wrong(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(ExitCode.CALLED_WRONGLY)
