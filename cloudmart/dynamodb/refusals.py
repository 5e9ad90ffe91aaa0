"""What DynamoDB's codes of errors mean: ask again, wait, or change something.

The codes are those of its API reference, of the errors common to AWS's services, and of KMS, with
whose keys a table may be encrypted. Those that say what became of a write are in `table.py`.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

BUSY = frozenset(
    {
        "KMSThrottlingException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        # Another replica of a global table, or a transaction, writes the item just now.
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "RequestThrottledException",
        "ResourceInUseException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
"""Codes that say "not now": the same call may succeed in a moment."""

FAILING = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "RequestAbortedException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
"""Codes of an outage."""

KMS = frozenset(
    {
        "KMSAccessDeniedException",
        "KMSDisabledException",
        "KMSInvalidStateException",
        "KMSNotFoundException",
        "KMSOptInRequired",
    }
)
"""Codes that say that the key of a table cannot be used."""

MISCONFIGURED = KMS | frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "IndexNotFoundException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "ResourceNotFoundException",
        "SignatureDoesNotMatch",
        "TableNotFoundException",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)
"""Codes that say that a person has to change something, or is just changing it."""

PASSING = BUSY | FAILING | MISCONFIGURED
"""Codes that are no fault of the request: the caller is told to come back."""
