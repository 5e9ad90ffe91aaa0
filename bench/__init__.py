"""What CloudMart costs, measured beside the ceilings of what it stands on."""
