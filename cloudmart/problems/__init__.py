"""What each kind of problem means: `/api/problems`."""
