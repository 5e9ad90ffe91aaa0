"""The pages use plain words, as CONTRIBUTING.md asks."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.prose import sentences, without_code

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LONGEST = 30

# Phrases that readers had to read twice, and what to write instead.
INSTEAD_OF = {
    r"what tells where": "name the thing",
    r"c[ao]mes? of (it|this|that)\b": "say what follows",
    r"what (came|becomes?|became) of": "say the result",
    r"the whole shop's": "say what fails",
    r"\bof nobody\b": "without a customer",
    r"what can be no\b|\bcan be no row": "records that cannot become a row",
    r"\b(bring|brings|brought|bringing)( \w+){0,3} about\b|\bcame about\b": "create, update, cause",
    r"at the latest\b": "within",
    r"find nothing, and a client": "one thought a sentence",
    r"\bwhoever wants\b|\bwho also asks\b": "name who acts",
    r"\bbesides\b": "also",
    r"stands? further": "entries further left",
    r"(wants?|wanted|tries) to be taken for": "forge",
    r"leave no chance": "say what is made certain",
    r"\bgive the figures of\b": "document the results",
    r"\b(is|are|was|were|not) to be had\b": "exists, is available",
    r"\bof one's own\b|\bon one's own\b": "your own",
    r"\b(those|pods?|keys|releases?|manifests|ones?) of before\b": "older",
    r"\ball the while\b": "meanwhile",
    r"\bputs? (it )?right\b": "correct",
    r"\bin (our own )?words(?= (of ours|too)|[,.;])": "with a message",
    r"\bwho is told\b|\b(is|are) told (so|of|by)\b": "say, report",
    r"\b(asks|ask) nobody\b": "does not call",
    r"\bthe way there\b|\bon (its|the|their) way there\b": "how to do it",
    r"\ba word on\b|\blast words\b": "message",
    r"\bhas to be mended\b|\bmended\b|\bto mend\b|\bmends\b": "correct, repair",
    r"\bdivided by commas\b": "separated by commas",
    r"\banew\b(?! \()": "again",
    r"\bin no figures?\b": "no count includes",
    r"\bis (ours|yours|theirs) to\b": "name who acts",
    r"\bvendors?\b": "provider",
    r"\bwhoever\b|\bwhom\b": "name who acts",
    r"\b(is|are|was|were) told\b": "gets, learns, is reported",
    r"\bthat (is|are) none\b": "invalid",
    r"\bh(e|o)lds? against\b|\bheld against\b": "compare with",
    r"\bof late\b": "recent",
    r"\bin vain\b": "without result",
    r"\bfor as long as\b": "while",
    r"\bfor want of\b": "because there is no",
    r"\b(is|are|was|were) handed\b": "gets",
    r"\bno use of\b": "cannot use",
    r"\b(has|have) come of\b": "has arrived, results in",
}
REFUSED = re.compile("|".join(f"(?:{phrase})" for phrase in INSTEAD_OF), re.IGNORECASE)

# Of these the code's own comments and docstrings have none either.
IN_CODE = re.compile(
    r"\bwhoever\b|\bwhom\b|\banew\b|\bbesides\b|\bof late\b|\bin vain\b"
    r"|\b(is|are|was|were) told\b|\bthat (is|are) none\b|\bheld against\b|\bfor as long as\b"
    r"|\bput right\b|\bmends?\b|\bmended\b|\bbrought about\b|\bwhat (came|comes|became) of\b",
    re.IGNORECASE,
)
CODE = sorted(
    path
    for folder in ("bench", "cloudmart", "infra", "k8s", "tests")
    for path in (ROOT / folder).rglob("*.py")
    if "node_modules" not in path.parts
)


def refused_phrases(page: str) -> list[str]:
    """Return the phrases of a page that readers had to read twice."""
    text = " ".join(without_code(page).split())
    return [found[0] for found in REFUSED.finditer(text)]


def prose_of(code: str) -> Iterator[tuple[int, str]]:
    """Yield the comments and the texts that stand alone, such as docstrings, with their lines."""
    for node in ast.walk(ast.parse(code)):
        for child in ast.iter_child_nodes(node):
            match child:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield child.lineno, " ".join(text.split())
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def long_sentences(page: str) -> list[str]:
    """Return the sentences of a page that have too many words."""
    return [
        f"line {sentence.line}, {sentence.words} words: {sentence.text}"
        for sentence in sentences(page)
        if sentence.words > LONGEST
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_no_phrase_that_was_read_twice(page: Path) -> None:
    assert refused_phrases(page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_no_sentence_of_more_than_thirty_words(page: Path) -> None:
    assert long_sentences(page.read_text("utf-8")) == []


@pytest.mark.parametrize("folder", ["bench", "cloudmart", "infra", "k8s", "tests"])
def test_comments_and_docstrings_have_no_phrase_that_was_read_twice(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in CODE
        if path.relative_to(ROOT).parts[0] == folder and path != Path(__file__)
        for line, text in prose_of(path.read_text("utf-8"))
        if IN_CODE.search(text)
    ]

    assert found == []


def test_the_prose_of_code_is_its_docstrings_and_comments() -> None:
    code = 'NAME = "a value"\n"""What it is."""\n\n\ndef one() -> None:\n    """Do it."""  # why\n'

    assert sorted(prose_of(code)) == [(2, "What it is."), (6, "# why"), (6, "Do it.")]


@pytest.mark.parametrize(
    "phrase",
    [
        "what tells where it is comes of it",
        "a part's outage would become the whole shop's",
        "an order of nobody's",
        "what can be no row",
        "bring the tables about",
        "at the fifth try at the latest",
        "five look-ups that find nothing, and a client twenty an hour",
        "Who also asks needs the role besides.",
        "Whoever wants more writes to the support.",
        "What stands further left was sent by whoever wanted to be taken for another.",
        "Leave no chance to a test of a restart that does not come",
        "Give the figures of a quiet machine",
    ],
)
def test_a_phrase_of_the_style_guide_is_refused(phrase: str) -> None:
    assert refused_phrases(f"A line.\n\n* It says\n  {phrase}\n") != []


def test_a_long_sentence_is_found_and_code_tables_and_links_do_not_count() -> None:
    words = "word " * 29
    page = f"""# A heading that does not count

A [link](https://example.com/{"x/" * 40}) {words}
and `code of many words` end it here
in a second line. A short one.

| a table | {words * 2} |

```sh
{words * 2}
```

* {words}last.
* {words}and last.
"""

    found = list(long_sentences(page))

    assert [line.split(" words")[0] for line in found] == ["line 3, 40", "line 14, 31"]


def test_an_entry_of_a_list_and_a_heading_end_a_sentence() -> None:
    page = "## One\nTwo words\n1. three\n2. four\n\nFive e.g. six. Seven."

    assert [each.text for each in sentences(page)] == [
        "One",
        "Two words",
        "three",
        "four",
        "Five e.g. six.",
        "Seven.",
    ]
