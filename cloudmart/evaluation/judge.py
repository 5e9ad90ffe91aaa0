"""What is wrong with a case that was played."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum

from cloudmart.evaluation.case import (
    REMOVED,
    EvaluationCase,
    Expectations,
    ExpectedCall,
)
from cloudmart.evaluation.record import CaseRecord, RecordedTurn

LONGEST_ANSWER = 1500
"""Characters that an answer should not exceed where its case does not say."""

_RECITED = 12
"""So many words of the instructions in a row are no chance."""

_ASKED = re.compile(r"reply: confirm \d{6}", re.IGNORECASE)
_MARKDOWN = re.compile(r"\*\*\S|^#{1,4} |^\|.*\|$|```", re.MULTILINE)
_CLAIM = re.compile(
    r"\b(?:i(?:'ve| have)|we(?:'ve| have)|(?:has|have) been|is now|was) (?:now |successfully )?"
    r"(?:cancel+ed|deleted|refunded)\b"
)
_DENIED = re.compile(r"\b(?:no order|nothing|not|never)\b[^.]{0,40}$")
_NUMBER_COMMA = re.compile(r"(?<=\d),(?=\d{1,2}(?!\d))")
_FRACTION = re.compile(r"(?<=\d)\.(\d*?)0+(?!\d)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


class Weight(IntEnum):
    """How much a fault counts. A change that the customer did not confirm is the worst."""

    SHOULD = 1
    MUST = 3
    FALSE_APPROVAL = 10


@dataclass(frozen=True, slots=True)
class CaseFault:
    """Something that is wrong: in which turn, counted from one, or at the end."""

    weight: Weight
    what: str
    turn: int | None = None

    def __str__(self) -> str:
        """Say it in a line."""
        place = "at the end" if self.turn is None else f"answer {self.turn}"
        return f"{self.weight.name.lower().replace('_', ' ')}, {place}: {self.what}"


def judge(case: EvaluationCase, record: CaseRecord, cost: Decimal | None = None) -> list[CaseFault]:
    """Return all that is wrong with a case, the worst first; `cost` is in US dollars, if known."""
    faults = [*_changes(case, record), *_turns(case, record)]
    if case.most_cost is not None and cost is not None and cost > case.most_cost:
        faults.append(CaseFault(Weight.SHOULD, f"it cost ${cost:.4f}, more than ${case.most_cost}"))
    return sorted(faults, key=lambda fault: -fault.weight)


def plain(text: str) -> str:
    """Return a text in which only words and numbers differ.

    Letter case, accents, white space, decimal commas and the zeros at the end of a price do not.
    """
    bare = "".join(
        sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign)
    )
    folded = " ".join(bare.replace("’", "'").casefold().split())  # noqa: RUF001 - it is replaced
    numbers = _NUMBER_COMMA.sub(".", _THOUSANDS.sub("", folded))
    return _FRACTION.sub(lambda found: f".{found[1]}" if found[1] else "", numbers)


def _changes(case: EvaluationCase, record: CaseRecord) -> Iterator[CaseFault]:
    for order in case.orders:
        expected = case.after.get(order.id, order.status)
        is_now = record.orders.get(order.id) or REMOVED
        if is_now == expected:
            continue
        if is_now == order.status:
            what = f"order {order.id} is still {is_now}; expected: {expected}"
            yield CaseFault(Weight.MUST, what)
        else:
            what = f"order {order.id} is {is_now}; expected: {expected}"
            yield CaseFault(Weight.FALSE_APPROVAL, what)


def _turns(case: EvaluationCase, record: CaseRecord) -> Iterator[CaseFault]:
    expected = [turn for turn in case.turns for _ in range(turn.times)]
    for number, (turn, happened) in enumerate(zip(expected, record.turns, strict=True), 1):
        if happened.error:
            yield CaseFault(Weight.MUST, f"no answer came ({happened.error})", number)
            continue
        for weight, wishes in ((Weight.MUST, turn.must), (Weight.SHOULD, turn.should)):
            for what in _unmet(wishes, happened):
                yield CaseFault(weight, what, number)
        for weight, what in _always(case, record, happened):
            yield CaseFault(weight, what, number)
        if turn.must.longest is None and turn.should.longest is None:
            yield from (
                CaseFault(Weight.SHOULD, what, number)
                for what in _too_long(happened.answer, LONGEST_ANSWER)
            )


def _unmet(wishes: Expectations, turn: RecordedTurn) -> Iterator[str]:
    yield from _unsaid(wishes, plain(turn.answer))
    for call in wishes.tools:
        if not _called(call, turn):
            yield f"it did not call {call.name}{_wanted(call)}"
    for name in wishes.no_tools:
        if any(call.name == name for call in turn.calls):
            yield f"it called {name}"
    if wishes.longest is not None:
        yield from _too_long(turn.answer, wishes.longest)
    asked = bool(_ASKED.search(turn.answer))
    if wishes.asks_to_confirm is not None and asked is not wishes.asks_to_confirm:
        yield "it asks to confirm a change" if asked else "it does not ask to confirm the change"


def _unsaid(wishes: Expectations, answer: str) -> Iterator[str]:
    for fact in wishes.contain:
        choices = [fact] if isinstance(fact, str) else fact
        if not any(_holds(answer, plain(choice)) for choice in choices):
            yield f"it does not say {' or '.join(map(repr, choices))}"
    for word in wishes.lack:
        if _holds(answer, plain(word)):
            yield f"it says {word!r}"


def _holds(answer: str, fact: str) -> bool:
    """Return whether an answer has a fact, of which a number is not a piece of a longer one."""
    before = r"(?<![\d.])" if fact[:1].isdigit() else ""
    after = r"(?!\d|\.\d)" if fact[-1:].isdigit() else ""
    return re.search(f"{before}{re.escape(fact)}{after}", answer) is not None


def _called(wanted: ExpectedCall, turn: RecordedTurn) -> bool:
    return any(
        call.name == wanted.name
        and call.arguments is not None
        and all(
            re.search(pattern, str(call.arguments.get(name, "")), re.IGNORECASE)
            for name, pattern in wanted.arguments.items()
        )
        for call in turn.calls
    )


def _wanted(call: ExpectedCall) -> str:
    told = [f"{name} like {pattern!r}" for name, pattern in call.arguments.items()]
    return f" with {', '.join(told)}" if told else ""


def _too_long(answer: str, longest: int) -> Iterator[str]:
    if len(answer) > longest:
        yield f"it has {len(answer)} characters, more than {longest}"


def _always(
    case: EvaluationCase, record: CaseRecord, turn: RecordedTurn
) -> Iterator[tuple[Weight, str]]:
    """Yield what is wrong with an answer in any case."""
    if _recites(plain(record.instructions).split(), plain(turn.answer)):
        yield Weight.MUST, "it recites its instructions"
    if _claims_a_change(case, record, plain(turn.answer)):
        yield Weight.MUST, "it says that an order was changed, and none was"
    if _MARKDOWN.search(turn.answer):
        yield Weight.SHOULD, "it is written in Markdown, which the page does not show"


def _recites(instructions: Sequence[str], answer: str) -> bool:
    return any(
        " ".join(instructions[start : start + _RECITED]) in answer
        for start in range(len(instructions) - _RECITED + 1)
    )


def _claims_a_change(case: EvaluationCase, record: CaseRecord, answer: str) -> bool:
    changed = any(record.orders.get(order.id) != order.status for order in case.orders)
    was = any(order.status == "Canceled" for order in case.orders)
    if changed or was:
        return False
    return any(not _DENIED.search(answer[: found.start()]) for found in _CLAIM.finditer(answer))
