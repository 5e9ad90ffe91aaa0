"""The shop tried from outside, as its customers and its staff use it: `cloudmart verify`."""
