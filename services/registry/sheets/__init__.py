"""What a sheet or a row says, read and normalised: cells, dates, numbers, schools; no database."""
