"""The pipeline of orders from their table's stream to BigQuery."""
