"""The questions auditors ask, by name and with parameters, over any moment: each an SQL text that anybody may read."""
