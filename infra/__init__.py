"""The pipeline as data, and what packs its code."""
