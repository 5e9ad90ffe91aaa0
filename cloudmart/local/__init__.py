"""Local mode: an embedded DynamoDB and a sample catalogue. Nothing here runs in production."""
