"""Counterfactual replay: the real services of matching and disbursement, run again over the archived events with some
of them put otherwise, on scratch databases that end with the run (ADR 0044).

It stands here because it knows several services at once; audit asks for it and knows none of them.
"""
