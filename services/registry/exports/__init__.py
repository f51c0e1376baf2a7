"""Lists taken away as xlsx."""
