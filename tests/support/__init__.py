"""What several tests share: a DynamoDB engine, and fakes of the providers' wire protocols."""
