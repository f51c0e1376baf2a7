"""Who saw whom in full, why, and under which scope."""
