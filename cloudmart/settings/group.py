"""What every group of settings has in common."""

from pydantic import BaseModel
from pydantic.config import JsonDict
from pydantic_settings import SettingsConfigDict

SPACED: JsonDict = {"divided by": "white space"}
"""Marks a field that holds several values, with white space between them."""


class Group(BaseModel):
    """Settings that belong together, built by a field's name or by its variable."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_by_name=True,
        validate_by_alias=True,
        loc_by_alias=False,
        hide_input_in_errors=True,
    )
