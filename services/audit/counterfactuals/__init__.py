"""Counterfactual replay: what would have been paid had a list or a rule been another, or come at another time."""
