"""Signals that a child may be out of school: what is remembered, the rules, the policy that raises and ends alerts."""
