"""From log to projection: the wire format, the relay, and the host that applies each event exactly once in effect."""
