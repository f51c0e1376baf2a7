"""How good the rules are: what became of their alerts, and what other thresholds would have raised."""
