"""Replays: a view, a person's file or a difference as known at a moment, and the bundle that proves it."""
