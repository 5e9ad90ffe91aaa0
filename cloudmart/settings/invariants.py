"""Settings of the checks of the live data."""

import re
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field

from cloudmart.settings.formats import SettingsGroup

_CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
_HOURS = re.compile(rf"({_CLOCK})-({_CLOCK})")


def _hours(value: Any) -> Any:  # noqa: ANN401 - what is no text is pydantic's to judge
    if not isinstance(value, str):
        return value
    if not (found := _HOURS.fullmatch(value.strip())):
        raise ValueError("is not two times of a day such as 08:00-22:00")
    return (found[1], found[3])


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("is not the name of a time zone such as Europe/Berlin") from error
    return value


class InvariantSettings(SettingsGroup):
    """Invariants: rules for the live data, which one pod checks."""

    every: int = Field(
        900,
        validation_alias="INVARIANTS_EVERY",
        ge=0,
        le=86_400,
        description="Seconds between two checks of the live data. One pod does each. 0 means "
        "none. In local mode there are none unless you set it.",
        examples=["900"],
    )
    order_silence: int = Field(
        0,
        validation_alias="ORDER_SILENCE_MINUTES",
        ge=0,
        le=44_640,
        description="Minutes without an order after which something is wrong. 0 means that no "
        "silence is too long.",
        examples=["60"],
    )
    hours: Annotated[tuple[str, str], BeforeValidator(_hours)] = Field(
        ("00:00", "00:00"),
        validation_alias="ORDER_SILENCE_HOURS",
        description="The hours in which orders are expected. They may end after midnight. "
        "`00:00-00:00` is the whole day.",
        examples=["08:00-22:00"],
    )
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC",
        validation_alias="ORDER_SILENCE_ZONE",
        description="The time zone of ORDER_SILENCE_HOURS.",
        examples=["Europe/Berlin"],
    )
