"""The image is really built and run."""
