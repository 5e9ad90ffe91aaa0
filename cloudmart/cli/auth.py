"""`cloudmart auth`: the passwords of administrators."""

import getpass
import sys
from typing import Annotated, NoReturn

import typer

from cloudmart.access.basic import LONGEST, hash_password

app = typer.Typer(help="The passwords of administrators.", no_args_is_help=True)
_SHORTEST = 8

FromStdin = Annotated[
    bool, typer.Option("--stdin", help="Read the password from the first line of standard input.")
]


@app.callback()
def auth() -> None:
    """Keep `hash` a subcommand, although it is the only one."""


@app.command(name="hash")
def make_hash(*, stdin: FromStdin = False) -> None:
    """Print the hash of a password, for a pair `name:hash` of ADMIN_USERS.

    The password is asked for without being shown. It is never an argument: those can be seen by
    everybody on the machine.
    """
    password = _line() if stdin else _asked()
    if not _SHORTEST <= len(password) <= LONGEST:
        _fail(f"A password has {_SHORTEST} to {LONGEST} characters.")
    if not password.isprintable():
        _fail("A password must not have tabs or characters that cannot be printed.")
    typer.echo(hash_password(password))


def _line() -> str:
    try:
        # A line that is longer than any password is not read to its end.
        return sys.stdin.readline(LONGEST + 2).removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        _fail("A password must be text in UTF-8.")


def _asked() -> str:
    if not sys.stdin.isatty():
        _fail("There is no terminal to type a password at: send it with `--stdin`.")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        _fail("The two passwords differ.")
    return password


def _fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)
