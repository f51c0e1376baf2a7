"""A whole year promoted at once, as a job that any restart continues."""
