"""Tests of the pipeline: the Lambda, the warehouse, and what is told of both."""
