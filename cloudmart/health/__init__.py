"""What the process tells of itself: why it waits, whether it is ready, how its dependencies do."""
