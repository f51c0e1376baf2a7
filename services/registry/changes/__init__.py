"""Many students or schools changed by one proposal that a second person approves."""
