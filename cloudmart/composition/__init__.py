"""The composition root: what is opened, built, started and closed for a process."""
