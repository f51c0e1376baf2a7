"""What was typed from paper, twice."""
