"""Coming in, my account, and pages for who administers accounts and posts."""
