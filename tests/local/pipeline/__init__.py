"""Tests of the pipeline of local mode."""
