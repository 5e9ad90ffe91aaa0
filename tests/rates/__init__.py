"""Tests of how much one client may ask for, and of how much is answered at once."""
