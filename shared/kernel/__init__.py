"""Plain building blocks without input or output: facts, identifiers, refusals, masking, time."""
