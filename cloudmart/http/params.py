"""Parameters that many routes share."""

from typing import Annotated

from fastapi import Path

PathId = Annotated[str, Path(min_length=1, max_length=255, description="The item's id.")]
