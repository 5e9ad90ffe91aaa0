"""`cloudmart assistants`: how good the assistants are."""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from cloudmart.findings.finding import CheckExit

app = typer.Typer(help="Judge how well the assistants answer.", no_args_is_help=True)


def _dollars(value: str) -> Decimal:
    try:
        amount = Decimal(value)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise typer.BadParameter("an amount of US dollars is wanted, such as 0.50")
    return amount


@app.callback()
def assistants() -> None:
    """Judge how well the assistants answer."""


@app.command("eval")
def evaluate(
    *,
    provider: Annotated[
        Literal["offline", "openai", "bedrock"],
        typer.Option(help="The provider to judge. The settings have its key and model."),
    ] = "offline",
    cases: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="A folder of your own cases, instead of the packaged ones.",
        ),
    ] = None,
    repeat: Annotated[
        int, typer.Option(min=1, max=100, help="How many times each case is played.")
    ] = 1,
    at_once: Annotated[
        int, typer.Option(min=1, max=16, help="How many cases are played at the same time.")
    ] = 1,
    budget: Annotated[
        Decimal | None,
        typer.Option(
            parser=_dollars, metavar="USD", help="US dollars after which no further case begins."
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="An earlier run's --json document, to compare with."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report for a program.")
    ] = False,
) -> None:
    """Hold the conversations of the cases with an assistant, and judge its answers.

    The shop of the cases is on this machine; nothing of the real shop is read or changed. With
    `openai` or `bedrock` the model is called, which costs money. Exit codes: 0 each case passed;
    1 a case failed, or did not run because the budget was spent; 2 its arguments are wrong; 3 the
    command itself failed.
    """
    try:
        # Not above: what serves in production has nothing of local mode.
        from cloudmart.evaluation.command import Choices, run_evaluation  # noqa: PLC0415
    except ModuleNotFoundError as error:
        _wrong(
            f"`cloudmart assistants eval` needs {str(error.name).split('.')[0]}, which is not "
            "installed. Install CloudMart with the extra `local`: pip install 'cloudmart[local]'"
        )
    choices = Choices(provider, cases, repeat, at_once, budget, against, as_json)
    raise typer.Exit(run_evaluation(choices))


def _wrong(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(CheckExit.CALLED_WRONGLY)
