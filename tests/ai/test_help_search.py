"""Which sections of the shop's own text answer a question."""

from pathlib import Path

import pytest

from cloudmart.ai.help_search import HelpIndex, plain_text
from cloudmart.settings.knowledge import SAMPLE, Knowledge, KnowledgeSection, read_knowledge


@pytest.fixture(scope="module")
def sample() -> HelpIndex:
    """Provide the index of the sample."""
    return HelpIndex(read_knowledge(SAMPLE))


def index(**sections: str) -> HelpIndex:
    """Return the index of some sections."""
    told = tuple(KnowledgeSection(heading, text) for heading, text in sections.items())
    return HelpIndex(Knowledge(Path("help.md"), "", told))


BEST = {
    "How long does shipping take?": "Shipping",
    "do you deliver to Norway": "Shipping",
    "free delivery": "Shipping",
    "Is express possible?": "Shipping",
    "What is your return policy?": "Returns and refunds",
    "I want my money back": "Returns and refunds",
    "how do I get a refund": "Returns and refunds",
    "it arrived broken": "Returns and refunds",
    "Is there a warranty?": "Returns and refunds",
    "Can I pay with PayPal?": "Payment",
    "do you take bitcoin": "Payment",
    "is VAT included": "Payment",
    "When are you open on Saturday?": "Opening hours",
    "opening times": "Opening hours",
    "Do you have a store in Berlin": "Opening hours",
    "Do you have a physical store?": "Opening hours",
    "how long do you keep my chats": "Privacy",
    "Is there a warranty on the lamp?": "Returns and refunds",
    "phone number?": "Contact",
    "how can I contact you": "Contact",
    "what do you do with my data": "Privacy",
    "delete my account": "Privacy",
    "erase everything you know about me, who do I write to?": "Privacy",
    "how long do you save what i write here": "Privacy",
    "is there a garantee on the headphones": "Returns and refunds",
    "you sent me the wrong mug": "Returns and refunds",
    "the kettle was dead on arrival": "Returns and refunds",
    "what is the delivery time": "Shipping",
    "do you have a showroom": "Opening hours",
    "can i retrun a lamp": "Returns and refunds",
    "Where is your shop? I want to see the clocks before buying": "Opening hours",
    "when does the money leave my card": "Payment",
    "how long does delivrey take": "Shipping",
    "\u00bfCu\u00e1nto tarda el env\u00edo?": "Shipping",
    "\u00bfTienen garant\u00eda?": "Returns and refunds",
    "Wie kann ich bezahlen?": "Payment",
    "\u00d6ffnungszeiten": "Opening hours",
    "Puis-je retourner un article ?": "Returns and refunds",
    "Quais s\u00e3o os hor\u00e1rios?": "Opening hours",
    "prote\u00e7\u00e3o de dados": "Privacy",
}


@pytest.mark.parametrize("question", sorted(BEST))
def test_the_best_section_comes_first(sample: HelpIndex, question: str) -> None:
    found = sample.search(question)

    assert found
    assert found[0].heading == BEST[question]
    assert len(found) <= 3


@pytest.mark.parametrize(
    "question",
    [
        "Do you offer gift wrapping?",
        "Who is the president of France?",
        "Tell me a joke",
        "Are you hiring?",
        "How do I create an account?",
        "lamp",
        "",
        "?!",
    ],
)
def test_what_the_shop_does_not_say_is_not_found(sample: HelpIndex, question: str) -> None:
    assert sample.search(question) == []


@pytest.mark.parametrize(
    "question",
    [
        '" OR heading:*',
        "NEAR(shipping returns, 2) AND NOT *",
        "'; DROP TABLE help; --",
        "shipping\0returns",
        "\ud800 shipping",
        'shipping" "',
        "^shipping {heading}: + - ^",
        "shipping " * 5000,
        "\u914d\u9001" * 300,
        "_" * 500,
    ],
)
def test_a_hostile_question_does_nothing_else(sample: HelpIndex, question: str) -> None:
    found = sample.search(question)

    assert {section.heading for section in found} <= {"Shipping", "Returns and refunds", "Payment"}
    assert sample.search("PayPal")[0].heading == "Payment"


def test_the_contact_is_found_by_its_heading(sample: HelpIndex) -> None:
    assert sample.contact
    assert "help@cloudmart.example" in sample.contact.text
    assert index(Kontakt="Rufen Sie an.").contact
    assert index(Shipping="Three days.").contact is None


def test_headings_of_another_language_have_its_topic() -> None:
    spanish = index(Envíos="Tres d\u00edas.", Devoluciones="Treinta d\u00edas.")

    assert [each.heading for each in spanish.search("How long is delivery?")] == ["Env\u00edos"]
    assert [each.heading for each in spanish.search("env\u00edo")] == ["Env\u00edos"]


def test_an_accent_more_or_less_does_not_matter() -> None:
    cafe = index(Café="We roast ourselves.", Tea="From Assam.")

    assert [each.heading for each in cafe.search("CAFE\u0301S")] == ["Caf\u00e9"]


def test_without_knowledge_nothing_is_found() -> None:
    nothing = HelpIndex(None)

    assert nothing.empty
    assert nothing.search("shipping") == []


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("One\nline.\n\nTwo", "One line. Two"),
        ("We take:\n\n- Visa\n- **PayPal**\n* `Cash`", "We take: Visa. PayPal. Cash"),
        ("1. Pack it\n2. Send it.", "Pack it. Send it."),
        ("[Write](mailto:a@b.example) or [call](https://c.example)", None),
        ("| Day | Hours |\n|---|---|\n| Monday | 9-17 |", "Day, Hours. Monday, 9-17"),
        ("### Small print\nNone.", "Small print. None."),
        ("> Quoted\n\n---\n\nMore", "Quoted. More"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
    ],
)
def test_markdown_becomes_one_paragraph(markdown: str, plain: str | None) -> None:
    linked = "Write (a@b.example) or call (https://c.example)"

    assert plain_text(markdown) == (plain or linked)
