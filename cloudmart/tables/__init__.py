"""What an operator does to tables: compare them with the schema, create, change, backfill."""
