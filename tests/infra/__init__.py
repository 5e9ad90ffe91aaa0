"""The pipeline's template and the Lambdas' archive."""
