"""Letters 公函: children of ours registered elsewhere, asked about at the aid department there, each term anew."""
