"""The DynamoDB layer."""
