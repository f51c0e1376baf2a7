"""Emergency access: taken, given back, reviewed."""
