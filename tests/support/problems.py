"""Checks the whole form of a problem document."""

from typing import Any

from httpx2 import Response


def is_problem(answer: Response, *statuses: int) -> dict[str, Any]:
    """Check the form of a problem document, and return it."""
    members: dict[str, Any] = answer.json()
    assert answer.status_code in statuses, (answer.status_code, answer.text[:500])
    assert answer.headers["Content-Type"] == "application/problem+json"
    required = {"type", "title", "status", "detail", "instance", "requestId", "error"}
    assert required <= members.keys() <= required | {"errors", "details", "docs"}
    assert members["status"] == answer.status_code
    assert members["type"].startswith("/api/problems/")
    assert members["error"] == members["detail"] != ""
    assert members["requestId"] == answer.headers["X-Request-ID"] != ""
    for fault in members.get("errors", []):
        assert fault.keys() == {"pointer", "message"}
        assert fault["message"]
        assert fault["pointer"] == "" or fault["pointer"].startswith("/")
    return members


def pointers(problem: dict[str, Any]) -> list[str]:
    """Return the places in the request that are wrong."""
    return [fault["pointer"] for fault in problem["errors"]]
