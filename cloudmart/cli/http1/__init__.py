"""HTTP/1.1 as it is on a connection: heads, bodies, answers. httptools reads the heads."""
