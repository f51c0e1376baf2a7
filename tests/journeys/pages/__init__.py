"""The stories of single pages in Chromium, without the district: a second worker runs them beside the others, and
starting and keeping another whole district for it took a minute of a core."""
