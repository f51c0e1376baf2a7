"""matching: which list row is which student, and each student's category.

owns      one decision per list row (linked, review, not_in_register, registered_elsewhere, out_of_age, rejected)
accepts   nothing by hand yet; its decisions follow from the registry's events and the rules in force
emits     LinkConfirmed, LinkWithdrawn, ReviewOpened, EntryUnmatched, EntryWithdrawn, CategoryRulesActivated, DayOpened
consumes  registry
serves    the roster (paged, counted, as xlsx, live), the review queue, unmatched rows, children enrolled nowhere
"""
