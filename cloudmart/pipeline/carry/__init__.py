"""What the Lambda does: records of the stream become rows of BigQuery, or go to quarantine."""
