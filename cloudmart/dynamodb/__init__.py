"""DynamoDB: the client, typed tables, their schema."""
