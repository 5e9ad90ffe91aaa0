"""What a ticket keeps of a conversation."""

from hypothesis import given
from hypothesis import strategies as st

from cloudmart.tickets.models import (
    LONGEST_MESSAGE,
    MOST_BYTES,
    MOST_MESSAGES,
    ChatMessage,
    MessageCreate,
    newest_messages,
)

texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    st.builds(
        lambda letter, length: letter * length, st.sampled_from("aé漢😀"), st.integers(0, 6000)
    ),
)
messages = st.lists(
    st.builds(MessageCreate, sender=st.sampled_from(["user", "ai"]), text=texts), max_size=40
)
conversations = st.builds(lambda some, times: some * times, messages, st.integers(1, 12))


@given(conversations)
def test_what_is_kept_is_within_every_bound(conversation: list[MessageCreate]) -> None:
    kept, _ = newest_messages(conversation)

    assert len(kept) <= MOST_MESSAGES
    assert all(len(message.text) <= LONGEST_MESSAGE for message in kept)
    assert sum(len(message.text.encode()) for message in kept) <= MOST_BYTES


@given(conversations)
def test_what_is_kept_is_the_newest_without_a_gap(conversation: list[MessageCreate]) -> None:
    kept, _ = newest_messages(conversation)

    newest = conversation[len(conversation) - len(kept) :]
    assert kept == [
        ChatMessage(sender=message.sender, text=message.text[:LONGEST_MESSAGE])
        for message in newest
    ]


@given(conversations)
def test_a_shortened_conversation_says_so_and_others_do_not(
    conversation: list[MessageCreate],
) -> None:
    kept, truncated = newest_messages(conversation)

    same = [message.model_dump() for message in kept] == [
        message.model_dump() for message in conversation
    ]
    assert truncated is not same


@given(messages)
def test_nothing_is_cut_from_a_short_conversation(conversation: list[MessageCreate]) -> None:
    short = [message for message in conversation if len(message.text) <= LONGEST_MESSAGE][:15]

    kept, truncated = newest_messages(short)

    assert (len(kept), truncated) == (len(short), False)


def test_the_newest_message_is_always_kept() -> None:
    longest = MessageCreate(sender="user", text="😀" * 500_000)

    kept, truncated = newest_messages([longest])

    assert ([message.text for message in kept], truncated) == (["😀" * LONGEST_MESSAGE], True)
