"""Pages of aid: letters to and from other counties."""
