"""One file for each provider, and offline ones beside them."""
