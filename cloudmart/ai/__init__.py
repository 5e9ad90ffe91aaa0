"""The assistants and the reading of a customer's mood: `/api/ai`."""
