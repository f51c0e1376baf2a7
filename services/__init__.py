"""The services. They meet only in events: one service may import another's ``events`` module and nothing else of it."""
