"""What the tests stand on: a DynamoDB engine, fakes of providers' wire protocols."""
