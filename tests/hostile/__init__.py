"""What people try who mean no good, on the real server."""
