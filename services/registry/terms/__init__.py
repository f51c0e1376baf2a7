"""The tasks of a term by the school calendar."""
