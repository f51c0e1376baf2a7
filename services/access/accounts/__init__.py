"""Accounts: opened, closed, reset, looked up; passwords and the rules for them."""
