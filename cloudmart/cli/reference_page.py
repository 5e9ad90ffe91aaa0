"""Write the commands into `docs/operations/reference.md`; `make docs` runs it."""

import sys
from collections.abc import Iterator
from pathlib import Path

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from cloudmart.cli.commands import app

MARK = "<!-- What follows is written by `make docs`. -->\n"


def reference_page() -> str:
    """Return a section for the commands."""
    return "\n".join(["## Commands\n", *_commands()])


def main(page: Path) -> None:
    """Renew the end of a page."""
    text = page.read_text(encoding="utf-8").partition(MARK)[0]
    page.write_text(f"{text}{MARK}\n{reference_page()}", encoding="utf-8")


def _commands() -> Iterator[str]:
    for path, command in _leaves(get_command(app), "cloudmart"):
        yield f"### `{path}`\n\n{_one_line(command.help)}\n"
        if command.params:
            yield "| argument or option | meaning | default |\n|---|---|---|"
            yield "\n".join(map(_parameter, command.params)) + "\n"


def _leaves(command: object, path: str) -> Iterator[tuple[str, TyperCommand]]:
    """Yield each command that has no commands below it, with all of its names."""
    if isinstance(command, TyperGroup):
        for name, each in command.commands.items():
            yield from _leaves(each, f"{path} {name}")
    elif isinstance(command, TyperCommand):
        yield path, command


def _parameter(parameter: object) -> str:
    if isinstance(parameter, TyperArgument):
        names = f"`{str(parameter.name).upper()}`"
    elif isinstance(parameter, TyperOption):
        names = ", ".join(f"`{each}`" for each in parameter.opts)
    else:
        return ""
    default = parameter.default
    shown = f"`{default}`" if isinstance(default, str | int | Path) and default is not False else ""
    return f"| {names} | {_one_line(parameter.help)} | {shown} |"


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
