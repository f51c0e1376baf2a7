"""National standards as pure functions: identity, student and certificate numbers, division codes, ages."""
