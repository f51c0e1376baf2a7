"""Pages of the register: students, households, lists, papers, changes, reference data, terms."""
