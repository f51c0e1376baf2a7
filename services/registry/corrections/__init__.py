"""Asking the owner of a record to correct it."""
