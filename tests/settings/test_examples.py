"""The service starts with none of the example values that we publish."""

import re
from pathlib import Path

import pytest

from cloudmart.settings import load_settings
from cloudmart.settings.report import SettingState
from cloudmart.settings.variables import variables
from tests.support.examples import Example, found, shipped

ROOT = Path(__file__).parents[2]
KNOWN = {name: each for each in variables().values() for name in each.names}
# A variable or command of the shell: what people copy is not its value.
EXPANDED = re.compile(r"\$\w+|\$\(.*|")
# Whether a directory exists depends on the machine.
ELSEWHERE = {"CLOUDMART_SECRETS_DIR", "ASSISTANT_KNOWLEDGE"}
EXAMPLES = [
    each
    for each in shipped(ROOT)
    if each.name in KNOWN.keys() - ELSEWHERE and not EXPANDED.fullmatch(each.value)
]

# Values that belong to one shop: an example can only be a placeholder.
OWN = {
    "AWS_ROLE_ARN",
    "AZURE_API_KEY",
    "AZURE_ENDPOINT",
    "BEDROCK_AGENT_ALIAS_ID",
    "BEDROCK_AGENT_ID",
    "GOOGLE_CLOUD_PROJECT_ID",
    "OPENAI_API_KEY",
    "OPENAI_ASSISTANT_ID",
}
TO_REPLACE = re.compile(r"(?i)[<>{}…]|\byour[-_ ]|xxx|change.?me|replace|todo|123456789012")


def is_refused(example: Example) -> bool:
    """Return whether a start with the example is refused because of it."""
    report = load_settings({example.name: example.value}).report
    states = {fault.state for fault in report.refusals if fault.variable == KNOWN[example.name]}
    return bool(states & {SettingState.PLACEHOLDER, SettingState.MALFORMED})


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_works_as_it_stands_or_is_refused(example: Example) -> None:
    to_replace = example.name in OWN or bool(TO_REPLACE.search(example.value))

    assert is_refused(example) == to_replace


def test_the_examples_of_our_pages_are_found() -> None:
    assert {each.name for each in EXAMPLES} >= OWN - {"AWS_ROLE_ARN", "OPENAI_ASSISTANT_ID"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("export OPENAI_API_KEY=<your key>\n", "<your key>"),
        ("    OPENAI_API_KEY='sk-your-key' cloudmart serve", "sk-your-key"),
        ("Set `OPENAI_API_KEY=changeme` in", "changeme"),
        ("stringData:\n  OPENAI_API_KEY: <your-key>\n", "<your-key>"),
        ('  - OPENAI_API_KEY: "todo"\n', "todo"),
        ("env:\n- name: OPENAI_API_KEY\n  value: xxx\n", "xxx"),
        ('  "OPENAI_API_KEY": "<your-key>",', "<your-key>"),
        ("--from-literal=OPENAI_API_KEY=<your-key>", "<your-key>"),
    ],
)
def test_an_example_is_found_however_it_is_written(text: str, value: str) -> None:
    assert list(found("page", text)) == [Example("page", "OPENAI_API_KEY", value)]
