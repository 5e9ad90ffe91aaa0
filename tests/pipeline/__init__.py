"""Tests of the pipeline: the Lambda, the warehouse, and the status."""
