"""Tables of the page: their shape, their rows, their columns, and the menu that leads to them."""
