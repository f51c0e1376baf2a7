"""Coming in and staying in: attempts, sessions, tokens, and what is unusual about them."""
