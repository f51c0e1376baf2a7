"""What was found wrong with a log, who has taken note of it, and how often everything was found as it was signed."""
