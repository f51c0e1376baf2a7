"""Long work in chunks that any restart continues, and where a student stood before it."""
