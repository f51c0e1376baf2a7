"""A county's staff from one sheet: who has which post where, checked whole, taken in by rows, again without doubles."""
