"""What the tests stand on: a DynamoDB engine, fakes of vendors' wire protocols."""
