"""How much one client may ask for, and how much is answered at once."""
