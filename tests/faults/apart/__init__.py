"""Faults that need no town: a worker of its own runs them beside the others."""
