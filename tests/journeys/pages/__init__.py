"""The stories of single pages in Chromium, in a district of their own: a second worker runs them beside the others."""
