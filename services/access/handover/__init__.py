"""Handing a post over: the list of what waits, frozen and signed; the predecessor out, the successor in."""
