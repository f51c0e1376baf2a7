"""Who belongs together, and how that changes."""
