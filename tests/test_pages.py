"""The links of the pages lead to something that exists."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
GRAPHS = sorted(ROOT.glob("docs/profiles/*.svg"))

_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page: Path) -> None:
    targets = [
        (page.parent / path if path else page, anchor)
        for path, anchor in _LINK.findall(page.read_text("utf-8"))
    ]

    assert [target for target, _ in targets if not target.exists()] == []
    assert [pair for pair in targets if pair[1] and pair[1] not in _anchors(pair[0])] == []


@pytest.mark.parametrize("command", ["dev", "test", "setup", "lint", "check", "format", "lock"])
def test_the_commands_of_the_readme_are_targets(command: str) -> None:
    assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_the_picture_of_the_layers_is_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    layers = contracts["contracts"][0]["layers"]
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")

    picture = (
        page.partition("## Which package may import which")[2].split("```")[1].strip().splitlines()
    )

    drawn = [line.partition("        ")[0].strip() for line in picture[:-1]]
    assert drawn == [layer.replace("cloudmart.", "") for layer in layers]


def test_the_files_that_the_architecture_names_are_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = {name for name in re.findall(r"`([\w./-]+\.(?:py|toml|yaml))`", page) if "/" in name}

    assert named
    assert [
        name
        for name in sorted(named)
        if not any((folder / name).exists() for folder in (ROOT, ROOT / "cloudmart"))
    ] == []


def test_what_the_lists_of_the_architecture_say_of_a_file_is_in_it() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    lines = re.findall(r"^  (\S+\.py) +(.+)$", page, re.MULTILINE)
    said = {
        (file, name)
        for file, sentence in lines
        for name in re.findall(r"\b(?:[A-Z]\w+\.)?(\w+)(?=\(|:)", sentence)
    }

    assert said
    assert [
        (file, name)
        for file, name in sorted(said)
        if not re.search(rf"\b{name}\b", (ROOT / "cloudmart" / file).read_text("utf-8"))
    ] == []


def test_the_tree_of_the_readme_names_every_folder_and_nothing_that_is_not_there() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (tree,) = re.findall(r"^```\n(cloudmart/\n.*?)^```", readme, re.MULTILINE | re.DOTALL)
    named = {line: re.findall(r"(\w+(?:/|\.py))(?=\s|$)", line[:30]) for line in tree.splitlines()}
    inside = {name for line, names in named.items() for name in names if line[0] == " "}
    beside = {name for line, names in named.items() for name in names if line[0] != " "}
    tracked = [
        Path(name)
        for name in subprocess.run(  # noqa: S603 - git, on our own files
            [shutil.which("git") or "git", "ls-files"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()
    ]

    folders = {f"{each.parts[0]}/" for each in tracked if len(each.parts) > 1}
    package = [each.parts[1:] for each in tracked if each.parts[0] == "cloudmart"]
    parts = {f"{each[0]}/" if len(each) > 1 else each[0] for each in package}
    assert beside == {each for each in folders if each[0] != "."}
    assert inside == {each for each in parts if each[0] != "_"}


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.stem)
def test_a_flame_graph_is_small_and_names_no_folder_of_a_machine(graph: Path) -> None:
    drawn = graph.read_text("utf-8")

    assert len(drawn) < 150_000
    assert re.findall(r"/(?:home|root|tmp|Users|work)/", drawn) == []


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
