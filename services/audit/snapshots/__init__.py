"""Snapshots: rows of a replay kept sealed, so that a later one begins there and ends with the very same rows."""
