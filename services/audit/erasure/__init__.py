"""Who is erased, who must be kept, and by which rule; two people for each."""
