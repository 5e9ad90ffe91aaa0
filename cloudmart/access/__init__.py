"""Who may do what, and how callers prove who they are."""
