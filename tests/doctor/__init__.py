"""Tests of the deployment checklist from inside."""
