"""The pipeline's template and SQL, and the program that packs its code."""
