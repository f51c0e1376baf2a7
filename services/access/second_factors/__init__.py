"""A second thing to sign in with."""
