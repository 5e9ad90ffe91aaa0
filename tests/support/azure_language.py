"""A fake of Azure AI Language at the wire: `POST /language/:analyze-text`, with its limits."""

from typing import Any

from tests.support.scripted_server import Reply, Request

MOST_DOCUMENTS = 10
LONGEST_DOCUMENT = 5120

_CONFIDENCE = {
    "positive": {"positive": 0.9, "neutral": 0.08, "negative": 0.02},
    "neutral": {"positive": 0.1, "neutral": 0.8, "negative": 0.1},
    "negative": {"positive": 0.02, "neutral": 0.08, "negative": 0.9},
    "mixed": {"positive": 0.49, "neutral": 0.01, "negative": 0.5},
}


def analyze(request: Request) -> Reply:
    """Score documents by the sentiment that their text names; without one they are neutral."""
    documents = request.json["analysisInput"]["documents"]
    if len(documents) > MOST_DOCUMENTS:
        return error(400, "InvalidRequest", "InvalidDocumentBatch")
    return results(
        [_document(one) for one in documents if len(one["text"]) <= LONGEST_DOCUMENT],
        [refused(one["id"]) for one in documents if len(one["text"]) > LONGEST_DOCUMENT],
    )


def results(documents: list[dict[str, Any]], errors: list[dict[str, Any]]) -> Reply:
    """Return an answer."""
    return Reply.json(
        200,
        {
            "kind": "SentimentAnalysisResults",
            "results": {
                # The order is not the order of the request.
                "documents": documents[::-1],
                "errors": errors,
                "modelVersion": "2025-01-01",
            },
        },
    )


def scored(key: str, sentiment: str) -> dict[str, Any]:
    """Return the result for a document."""
    confidence = _CONFIDENCE[sentiment]
    return {
        "id": key,
        "sentiment": sentiment,
        "confidenceScores": confidence,
        "sentences": [],
        "warnings": [],
    }


def refused(key: str, code: str = "InvalidDocument") -> dict[str, Any]:
    """Return the result for a document that the service refuses; the answer is still 200."""
    inner = {"code": code, "message": "Said by the provider."}
    described = {"code": "InvalidArgument", "message": "Said by the provider.", "innererror": inner}
    return {"id": key, "error": described}


def error(status: int, code: str, inner: str | None = None, **headers: str) -> Reply:
    """Return an error in the service's form."""
    described: dict[str, Any] = {"code": code, "message": "Said by the provider."}
    if inner:
        described["innererror"] = {"code": inner, "message": "Said by the provider."}
    return Reply.json(status, {"error": described}, apim_request_id="req-1", **headers)


def _document(document: dict[str, str]) -> dict[str, Any]:
    words = document["text"].split()
    named = next((word for word in words if word in _CONFIDENCE), "neutral")
    return scored(document["id"], named)
