"""One box that finds a student."""
