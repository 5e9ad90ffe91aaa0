"""`/api/problems`."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from cloudmart import errors
from cloudmart.errors import CloudmartError, NotFoundError
from cloudmart.http.problem import CODES, TYPES, may_fail, problem_title
from cloudmart.values.model import Model

router = APIRouter(prefix=TYPES, tags=["problems"])


class ProblemKind(Model):
    """A kind of problem."""

    type: str = Field(description="As a problem's `type` names it.")
    title: str = Field(description="The kind in a few words.")
    status: int = Field(description="The HTTP status it comes with.")
    explanation: str = Field(description="When it is answered.")


def _kinds() -> dict[str, ProblemKind]:
    described = {code: (status, explanation) for status, (code, explanation, _) in CODES.items()}
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, CloudmartError) and hasattr(error, "code"):
            described.setdefault(error.code, (int(error.status), (error.__doc__ or "").strip()))
    return {
        code: ProblemKind(
            type=f"{TYPES}/{code}",
            title=problem_title(code),
            status=status,
            explanation=explanation,
        )
        for code, (status, explanation) in sorted(described.items())
    }


KINDS = _kinds()
Code = Annotated[
    str,
    Path(
        max_length=100,
        description="The end of a problem's `type`.",
        openapi_examples={"price": {"value": "price-changed"}},
    ),
]


@router.get("", summary="List the kinds of problems")
async def list_problem_kinds() -> list[ProblemKind]:
    return list(KINDS.values())


@router.get("/{code}", summary="Explain a kind of problem", responses=may_fail(NotFoundError))
async def explain_problem(code: Code) -> ProblemKind:
    if code not in KINDS:
        raise NotFoundError("Problem", code)
    return KINDS[code]
