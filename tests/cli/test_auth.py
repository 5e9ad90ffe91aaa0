"""`cloudmart auth` on a real terminal."""

import os
import pty
import subprocess
import sys
from contextlib import suppress

import pytest
from typer.testing import CliRunner, Result

from cloudmart.access.basic import verify_password
from cloudmart.cli.commands import app
from cloudmart.settings import load_settings


def run(*words: str, input: str | bytes = "") -> Result:  # noqa: A002 - typer's word
    """Run the command with an input that is no terminal."""
    return CliRunner().invoke(app, ["auth", "hash", *words], input=input)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\nwhat follows\n"])
def test_the_hash_of_a_password_is_one_that_the_settings_take(end: str) -> None:
    result = run("--stdin", input=f"correct horse{end}")

    hashed = result.stdout.strip()
    loaded = load_settings({"AUTH": "basic", "ADMIN_USERS": f"ann:{hashed}"})
    assert result.exit_code == 0
    assert verify_password("correct horse", hashed)
    assert loaded.report.refusals == ()


def test_two_hashes_of_one_password_differ() -> None:
    first, second = (run("--stdin", input="correct horse").stdout for _ in range(2))

    assert first != second


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ("", "A password has 8 to 1024 characters."),
        ("1234567", "A password has 8 to 1024 characters."),
        ("x" * 1025, "A password has 8 to 1024 characters."),
        ("tab\tbed password", "A password must not have tabs"),
        (b"\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff\n", "A password must be text in UTF-8."),
    ],
)
def test_a_bad_password_is_refused_and_not_hashed(sent: str | bytes, sentence: str) -> None:
    result = run("--stdin", input=sent)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(sentence)


def test_without_a_terminal_nobody_is_asked() -> None:
    result = run(input="correct horse\ncorrect horse\n")

    assert result.exit_code == 1
    assert "--stdin" in result.stderr


def test_a_password_is_not_an_argument() -> None:
    assert run("correct horse").exit_code == 2


def at_a_terminal(*typed: str) -> tuple[int, str, str]:
    """Answer the command's questions. Return its code, its output and the screen.

    Like a terminal that asks for a password, it drops what is typed before the question.
    """
    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudmart", "auth", "hash"],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
        start_new_session=True,
        text=True,
    )
    os.close(terminal)
    shown = ""
    for question, line in zip(("Password: ", "Again: "), typed, strict=True):
        while not shown.endswith(question):
            shown += os.read(screen, 10_000).decode()
        os.write(screen, f"{line}\n".encode())
    out, _ = process.communicate(timeout=60)
    with suppress(OSError):
        shown += os.read(screen, 10_000).decode()
    os.close(screen)
    return process.returncode, out, shown


def test_at_a_terminal_a_password_is_asked_for_twice_and_not_shown() -> None:
    code, out, shown = at_a_terminal("correct horse", "correct horse")

    assert code == 0
    assert verify_password("correct horse", out.strip())
    assert "Password: " in shown
    assert "Again: " in shown
    assert "horse" not in shown


def test_two_answers_that_differ_make_no_hash() -> None:
    code, out, shown = at_a_terminal("correct horse", "correct house")

    assert (code, out) == (1, "")
    assert "The two passwords differ." in shown
    assert "correct" not in shown
