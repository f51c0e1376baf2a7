"""Posts: established, filled, vacated, delegated; where each belongs."""
