"""Every command on a page is run by a test, or the page says why not. All commands exist."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloudmart.cli.commands import app
from cloudmart.settings import Settings
from k8s.check import complaints
from k8s.kustomize import OVERLAYS
from tests.cli.conftest import Cloudmart, cloudmart
from tests.support.doc_commands import PAGES, ROOT, ShellBlock, blocks, words_after
from tests.support.live_server import served

__all__ = ["cloudmart"]

BLOCKS = blocks()
SHOP = "localhost:5000"
TARGETS = set(re.findall(r"(?m)^([\w-]+):", (ROOT / "Makefile").read_text("utf-8")))


def shown(block: ShellBlock) -> str:
    """Return a name for a block."""
    return f"{block.page}: {next(iter(block.commands), 'nothing')[:50]}"


def of(page: str, beginning: str) -> ShellBlock:
    """Return the block of a page that begins with a command."""
    (found,) = (
        each for each in BLOCKS if each.page == page and next(each.commands).startswith(beginning)
    )
    return found


@pytest.mark.parametrize("block", BLOCKS, ids=shown)
def test_a_block_of_commands_says_which_test_runs_it_or_why_none_does(block: ShellBlock) -> None:
    by = re.fullmatch(r"run by (.+)", block.mark)
    reason = re.fullmatch(r"not run by a test: .+", block.mark)

    assert by or reason, "write <!-- run by tests/… --> or <!-- not run by a test: … --> above it"
    for path in re.findall(r"tests/[\w/]+(?:\.py)?", block.mark):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("block", BLOCKS, ids=shown)
def test_what_a_block_calls_is_there(block: ShellBlock) -> None:
    for command in block.commands:
        is_there(command)
        for path in re.findall(r"\b(?:k8s|infra)/[\w/.-]+", command):
            # git ignores the file with the keys.
            assert (ROOT / path).exists() or path.endswith("/secret.env"), command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_sentence_calls_is_there(page: Path) -> None:
    text = re.sub(r"(?ms)^ *```.*?^ *```$", "", page.read_text("utf-8"))

    for command in re.findall(r"`((?:make|cloudmart) [a-z][^`<\[…]*)`", text):
        is_there(command.replace("\n", " "))


def is_there(command: str) -> None:
    """Fail unless the targets and our own commands in a command exist."""
    for words in words_after("make", command):
        named = [word for word in words if "=" not in word and not word.startswith("-")]
        assert set(named) <= TARGETS, command
    for words in words_after("cloudmart", command):
        # The options are parsed before the help is printed, and nothing is run.
        told = CliRunner().invoke(app, [*words, "--help"])
        assert told.exit_code == 0, f"{command}\n{told.output}"


@pytest.mark.parametrize(
    "beginning",
    [
        "curl localhost:5000/api/ai/message",
        "curl localhost:5000/api/ai/bedrock/message",
        "curl localhost:5000/api/ai/analyze-sentiment",
    ],
)
def test_the_calls_of_the_assistants_page_are_answered(beginning: str, address: str) -> None:
    text = of("docs/assistants.md", beginning).text.replace(SHOP, address)

    done = subprocess.run(  # noqa: S603 - the page is ours
        ["/bin/bash", "-euo", "pipefail", "-c", text.replace("curl ", "curl --fail --silent ")],
        capture_output=True,
        check=False,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert re.search(r'"(response|overallSentiment)"', done.stdout)


@pytest.mark.usefixtures("stocked")
def test_the_commands_of_the_catalogue_page_do_what_they_say(
    cloudmart: Cloudmart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    for command in of("docs/catalogue.md", "cloudmart catalogue export").commands:
        (words,) = words_after("cloudmart", command)
        assert cloudmart(*words).exit_code == 0, command


def test_the_check_of_the_deployment_page_prints_what_the_page_shows() -> None:
    block = of("docs/deploy.md", "make k8s-check")

    assert block.output == complaints(OVERLAYS / "production")


@pytest.fixture
def address(stocked: Settings) -> Iterator[str]:
    """Provide the host and port of a running shop."""
    with served(stocked) as url:
        yield url.removeprefix("http://")
