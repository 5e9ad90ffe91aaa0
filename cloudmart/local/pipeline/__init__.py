"""The pipeline of local mode: the Lambda in a thread, and DuckDB where BigQuery would be."""
