"""CloudMart's backend: the shop's API on FastAPI and DynamoDB."""
