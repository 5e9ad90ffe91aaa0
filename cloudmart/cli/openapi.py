"""`cloudmart openapi`: the API's document as files."""

import json
from pathlib import Path
from typing import Annotated

import typer
import yaml

from cloudmart.app import create_app
from cloudmart.settings import AccessSettings, Settings, SignInMethod

SHARED = Settings(access=AccessSettings(auth=(SignInMethod.BASIC, SignInMethod.JWT)))
"""For a file that is shared: every way in, and nothing of some deployment."""


def openapi(
    directory: Annotated[Path, typer.Argument(help="The folder of the files.")] = Path("openapi"),
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a file is stale.")
    ] = False,
) -> None:
    """Write the API's document as JSON and YAML."""
    document = create_app(SHARED).openapi()
    files = {
        "openapi.json": json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        "openapi.yaml": yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100),
    }
    stale = [name for name, text in files.items() if _read(directory / name) != text]
    if check and stale:
        typer.echo(f"{', '.join(stale)} in {directory} is stale: run `make openapi`.", err=True)
        raise typer.Exit(1)
    for name in stale:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(files[name], encoding="utf-8")
        except OSError as error:
            typer.echo(f"{directory / name} cannot be written: {error.strerror}.", err=True)
            raise typer.Exit(1) from None
        typer.echo(f"Wrote {directory / name}.")


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
