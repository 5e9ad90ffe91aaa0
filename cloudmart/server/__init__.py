"""The HTTP/1.1 server: uvicorn's, with bounds of our own on every connection."""
