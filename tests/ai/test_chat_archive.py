"""`/api/ai/analyze-sentiment`: chats that have ended become tickets."""

from contextlib import nullcontext
from typing import Any

import pytest

from cloudmart.ai.ports import Scores
from cloudmart.app import create_app
from cloudmart.composition.providers import Providers
from cloudmart.errors import ProviderDisabledError, ProviderUnavailableError, UpstreamError
from cloudmart.settings import AzureSettings, Settings
from tests.support.aws import aws_client
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.ready_app import serving
from tests.support.scripted_sentiment import ScriptedSentiment

OFF = ProviderDisabledError("It is switched off.")
GLAD, CALM, ANGRY = Scores(0.8, 0.1, 0.1), Scores(0.1, 0.8, 0.1), Scores(0.1, 0.2, 0.7)


THREAD = "thread_" + "A" * 32


def begin(settings: Settings, thread: str = THREAD, **attributes: Any) -> str:  # noqa: ANN401
    """Begin a conversation, and return its id."""
    item = {"id": {"S": thread}, "expiresAt": {"N": "9999999999"}} | attributes
    table = settings.dynamodb.conversations_table
    aws_client("dynamodb").put_item(TableName=table, Item=item)
    return thread


def end(settings: Settings, chat: Any, azure: ScriptedSentiment, offline: ScriptedSentiment) -> Any:  # noqa: ANN401
    """End a chat. Return the answer, and the ticket as the admin page reads it."""
    providers = Providers(OFF, OFF, azure, offline)
    with serving(create_app(settings, lambda *_: nullcontext(providers))) as client:
        answer = client.post("/api/ai/analyze-sentiment", json={"thread": chat})
        assert answer.status_code == 200, answer.text
        ticket = client.get(f"/api/tickets/{answer.json()['ticketId']}")
        return answer.json(), ticket.json()


def said(*texts: str, sender: str = "user") -> list[dict[str, str]]:
    return [{"text": text, "sender": sender} for text in texts]


def test_a_chat_becomes_a_closed_ticket_with_its_mood(settings: Settings) -> None:
    azure = ScriptedSentiment("azure", [GLAD, ANGRY])
    messages = [*said("Great!"), *said("Hello.", sender="ai"), *said("Too late!")]
    chat = {"id": begin(settings), "name": "My chat", "messages": messages}

    answer, ticket = end(settings, chat, azure, ScriptedSentiment("offline"))

    assert azure.asked == [["Great!", "Too late!"]]
    assert answer == {
        "threadId": THREAD,
        "ticketId": ticket["id"],
        "sentimentScores": {"positive": 0.45, "neutral": 0.15, "negative": 0.4},
        "overallSentiment": "positive",
    }
    assert {
        name: ticket[name] for name in ticket if name not in {"id", "createdAt", "updatedAt"}
    } == {
        "status": "closed",
        "threadId": THREAD,
        "threadName": "My chat",
        "conversation": [{"sender": m["sender"], "text": m["text"]} for m in messages],
        "truncated": False,
        "sentimentScores": answer["sentimentScores"],
        "overallSentiment": "positive",
        "sentimentSource": "azure",
        "subject": None,
        "message": None,
        "userEmail": None,
    }


@pytest.mark.parametrize(
    ("moods", "overall"),
    [
        ([GLAD, GLAD, ANGRY], "positive"),
        ([ANGRY], "negative"),
        ([CALM], "neutral"),
        ([Scores(0.5, 0.0, 0.5)], "neutral"),
        ([Scores(0.45, 0.45, 0.1)], "neutral"),
        # Exactly half, which binary arithmetic would round the wrong way.
        ([Scores(0.1, 0.0, 0.3), Scores(0.2, 0.1, 0.0), Scores(0.3, 0.0, 0.3)], "neutral"),
        ([GLAD, None], "positive"),
        ([None, None], "neutral"),
    ],
)
def test_a_mood_must_outweigh_both_others(
    settings: Settings, moods: list[Scores | None], overall: str
) -> None:
    chat = {"id": begin(settings), "messages": said(*["word"] * len(moods))}

    answer, _ = end(settings, chat, ScriptedSentiment("azure", moods), ScriptedSentiment("offline"))

    assert answer["overallSentiment"] == overall


@pytest.mark.parametrize(
    "failure",
    [ProviderUnavailableError("Azure"), ProviderDisabledError("Azure is not configured.")],
)
def test_a_ticket_is_saved_although_azure_is_away(
    settings: Settings, failure: UpstreamError
) -> None:
    azure, offline = (
        ScriptedSentiment("azure", failure),
        ScriptedSentiment("offline-vader", [ANGRY]),
    )

    chat = {"id": begin(settings), "messages": said("Bad!")}

    answer, ticket = end(settings, chat, azure, offline)

    assert answer["overallSentiment"] == "negative"
    assert (ticket["sentimentSource"], ticket["status"]) == ("offline-vader", "closed")


def test_texts_that_azure_did_not_score_are_read_by_the_lexicon(settings: Settings) -> None:
    azure, offline = ScriptedSentiment("azure", [None]), ScriptedSentiment("offline-vader", [ANGRY])
    chat = {"id": begin(settings), "messages": said("Too late!")}

    answer, ticket = end(settings, chat, azure, offline)

    assert answer["overallSentiment"] == "negative"
    assert ticket["sentimentSource"] == "offline-vader"


@pytest.mark.parametrize(
    "messages", [[], said("Hello.", sender="ai"), said("   ", "\n")], ids=["none", "ai", "blank"]
)
def test_a_chat_without_a_customers_message_is_neutral_and_calls_no_analyzer(
    settings: Settings, messages: list[dict[str, str]]
) -> None:
    azure, offline = ScriptedSentiment("azure"), ScriptedSentiment("offline")

    answer, ticket = end(settings, {"messages": messages}, azure, offline)

    assert answer == {
        "threadId": None,
        "ticketId": ticket["id"],
        "sentimentScores": {"positive": 0, "neutral": 1, "negative": 0},
        "overallSentiment": "neutral",
    }
    assert azure.asked == offline.asked == []


def test_a_chat_is_never_too_long_to_end(settings: Settings) -> None:
    azure, offline = ScriptedSentiment("azure"), ScriptedSentiment("offline", [CALM])
    messages = said(*["ü" * 5000] * 300)

    _, ticket = end(settings, {"id": 7, "messages": messages}, azure, offline)

    assert ticket["threadId"] == "7"
    assert ticket["truncated"] is True
    assert {message["text"] for message in ticket["conversation"]} == {"ü" * 4000}
    assert 0 < len(ticket["conversation"]) < 200
    assert offline.asked == [["ü" * 4000] * len(ticket["conversation"])]


def test_who_ended_a_chat_must_name_themselves_again(settings: Settings) -> None:
    table, client = settings.dynamodb.conversations_table, aws_client("dynamodb")
    thread = {"id": {"S": "thread_" + "A" * 32}}
    known = {"email": {"S": "ann@example.org"}, "pending": {"M": {}}}
    client.put_item(TableName=table, Item=thread | known | {"expiresAt": {"N": "9999999999"}})
    chat = {"id": thread["id"]["S"], "messages": []}

    end(settings, chat, ScriptedSentiment("azure"), ScriptedSentiment("offline"))

    stored = client.get_item(TableName=table, Key=thread)["Item"]
    assert stored == thread | {"expiresAt": {"N": "9999999999"}}
    end(
        settings,
        chat | {"id": "thread_" + "B" * 32},
        ScriptedSentiment("a"),
        ScriptedSentiment("o"),
    )
    assert client.scan(TableName=table)["Items"] == [stored]


def test_the_paid_part_of_a_chat_is_limited_to_its_newest_messages(settings: Settings) -> None:
    azure = ScriptedSentiment("azure", [CALM])
    messages = said(*[f"{number} {'a' * 2500}" for number in range(60)])

    _, ticket = end(
        settings, {"id": begin(settings), "messages": messages}, azure, ScriptedSentiment("offline")
    )

    (asked,) = azure.asked
    assert ticket["sentimentSource"] == "azure"
    assert [text.split()[0] for text in asked] == [str(number) for number in range(44, 60)]


@pytest.mark.parametrize(
    "thread", [None, "1763884800000", "thread_" + "B" * 32, "sentiment-2026-11-28", "thread_1"]
)
def test_a_chat_that_is_not_ours_is_read_by_the_lexicon(
    settings: Settings, thread: str | None
) -> None:
    azure, offline = ScriptedSentiment("azure", [GLAD]), ScriptedSentiment("offline-vader", [ANGRY])

    _, ticket = end(settings, {"id": thread, "messages": said("Bad!")}, azure, offline)

    assert azure.asked == []
    assert (ticket["sentimentSource"], ticket["overallSentiment"]) == ("offline-vader", "negative")


def test_a_conversation_is_paid_for_once(settings: Settings) -> None:
    azure, offline = ScriptedSentiment("azure", [GLAD]), ScriptedSentiment("offline-vader", [ANGRY])
    chat = {"id": begin(settings), "messages": said("Fine!")}

    sources = [end(settings, chat, azure, offline)[1]["sentimentSource"] for _ in range(3)]

    assert sources == ["azure", "offline-vader", "offline-vader"]
    assert len(azure.asked) == 1


def test_a_conversation_that_has_expired_is_not_ours_any_more(settings: Settings) -> None:
    azure, offline = ScriptedSentiment("azure", [GLAD]), ScriptedSentiment("offline-vader", [ANGRY])
    thread = begin(settings, expiresAt={"N": "1000"})

    _, ticket = end(settings, {"id": thread, "messages": said("Fine!")}, azure, offline)

    assert (ticket["sentimentSource"], azure.asked) == ("offline-vader", [])


def test_the_units_of_a_day_bound_all_replicas(settings: Settings) -> None:
    azure, offline = ScriptedSentiment("azure", [GLAD]), ScriptedSentiment("offline-vader", [ANGRY])
    bounded = settings.model_copy(update={"azure": AzureSettings(daily_units=5)})
    # Each message is two units, because a unit never spans two messages.
    threads = [begin(settings, "thread_" + letter * 32) for letter in "CDEF"]

    # Each chat ends in another process.
    sources = [
        end(bounded, {"id": thread, "messages": said("a" * 1001)}, azure, offline)[1][
            "sentimentSource"
        ]
        for thread in threads
    ]
    last = {"id": begin(settings, "thread_" + "G" * 32), "messages": said("Ok")}
    _, small = end(bounded, last, azure, offline)

    assert sources == ["azure", "azure", "offline-vader", "offline-vader"]
    assert small["sentimentSource"] == "azure"
    assert len(azure.asked) == 3


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.THROTTLED, Fault.NO_TABLE, Fault.UNHEARD_OF])
def test_a_ticket_is_kept_while_the_conversations_are_away(
    settings: Settings, faults: FaultProxy, fault: Fault
) -> None:
    azure, offline = ScriptedSentiment("azure", [GLAD]), ScriptedSentiment("offline-vader", [ANGRY])
    chat = {"id": begin(settings), "messages": said("Bad!")}
    # Tickets are put; conversations are updated.
    faults.fail(fault, "UpdateItem")

    answer, ticket = end(settings, chat, azure, offline)

    assert answer["overallSentiment"] == ticket["overallSentiment"] == "negative"
    assert (ticket["sentimentSource"], azure.asked) == ("offline-vader", [])


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_ticket_is_kept_whatever_fails_after_it(
    settings: Settings, faults: FaultProxy, after: int
) -> None:
    azure, offline = ScriptedSentiment("azure", [GLAD]), ScriptedSentiment("offline-vader", [ANGRY])
    chat = {"id": begin(settings), "messages": said("Hm.")}
    faults.fail(Fault.THROTTLED, "UpdateItem", after=after)

    answer, ticket = end(settings, chat, azure, offline)

    # The ticket has the same scores as the answer.
    assert ticket["id"] == answer["ticketId"]
    assert ticket["overallSentiment"] == answer["overallSentiment"] == "negative"
