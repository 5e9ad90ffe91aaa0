"""Reports as the documentation shows them."""

from typing import Any

_TIME = "2026-11-23T08:00:00.000Z"

WELL: dict[str, Any] = {
    "status": "pass",
    "serviceId": "cloudmart-backend",
    "releaseId": "1.0.0+9fceb02d0ae5",
    "checks": {
        "orders:responseTime": [
            {
                "componentType": "datastore",
                "status": "pass",
                "observedValue": 4.2,
                "observedUnit": "ms",
                "time": _TIME,
                "age": 3.1,
            }
        ]
    },
}
STARTING: dict[str, Any] = {
    "status": "fail",
    "serviceId": "cloudmart-backend",
    "releaseId": "1.0.0+9fceb02d0ae5",
    "output": "The service is starting. The shop's data store does not answer.",
    "checks": {
        "orders:responseTime": [
            {
                "componentType": "datastore",
                "status": "fail",
                "time": _TIME,
                "age": 3.1,
                "output": "The shop's data store does not answer.",
                "affectedEndpoints": ["/api/orders"],
            }
        ]
    },
}
