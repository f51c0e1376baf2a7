"""What leaves this installation for addresses other people chose: checked, bounded in time and size, signed."""
