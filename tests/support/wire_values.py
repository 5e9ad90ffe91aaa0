"""Values of every DynamoDB type in the form in which DynamoDB sends them."""

import base64
from typing import Any

Wire = dict[str, Any]

HUGE = "1" + "0" * 125
_BINARY = base64.b64decode("AP8=")
_DEEP: Wire = {"S": "deep"}
for _ in range(30):
    _DEEP = {"L": [{"M": {"next": _DEEP}}]} if "S" in _DEEP else {"L": [_DEEP]}

VALUES: dict[str, Wire] = {
    "S": {"S": "anything"},
    "empty S": {"S": ""},
    "nested JSON": {"S": "[" * 900 + "]" * 900},
    "JSON with half a character": {"S": '[{"sender": "user", "text": "\\ud83d"}]'},
    "JSON with infinity": {"S": '{"positive": 1e400, "neutral": NaN}'},
    "N": {"N": "7"},
    "negative N": {"N": "-7.5"},
    "1e100": {"N": "1e100"},
    "1e125 in full": {"N": HUGE},
    "-1e125": {"N": "-" + HUGE},
    "1e-130": {"N": "1e-130"},
    "38 digits": {"N": "9" * 38},
    "38 digits and zeros": {"N": "9" * 38 + "0" * 60},
    "B": {"B": _BINARY},
    "SS": {"SS": ["a lamp", "a kettle"]},
    "NS": {"NS": ["1", HUGE]},
    "BS": {"BS": [_BINARY, b"\x01"]},
    "NULL": {"NULL": True},
    "BOOL": {"BOOL": True},
    "empty L": {"L": []},
    "empty M": {"M": {}},
    "L of all": {"L": [{"N": HUGE}, {"SS": ["a"]}, {"NULL": True}, {"B": _BINARY}, {"S": "x"}]},
    "M of all": {"M": {"price": {"N": HUGE}, "text": {"SS": ["a"]}, "name": {"NS": ["1"]}}},
    "L of M": {
        "L": [
            {"M": {"price": {"N": "1e100"}, "quantity": {"N": "1e100"}, "name": {"NS": ["1"]}}},
            {"M": {"price": {"N": "1e11"}, "quantity": {"N": "1e9"}, "productId": {"N": HUGE}}},
            {"M": {"sender": {"SS": ["user"]}, "text": {"N": HUGE}}},
        ]
    },
    "31 levels": _DEEP,
}
