"""Schools, division codes and calendars by date, and where students are registered."""
