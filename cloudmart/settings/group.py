"""What every group of settings has in common."""

from pydantic import BaseModel
from pydantic_settings import SettingsConfigDict


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
