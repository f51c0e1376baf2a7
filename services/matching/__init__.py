"""matching: which list row is which student, and each student's category.

owns      one decision per list row (linked, review, not_in_register, registered_elsewhere, out_of_age, rejected), and
          what people rule about rows; the members of a household whom a listed head's row covers, on which days; the
          model by which rows without a usable number are weighed
accepts   rulings (same person, not the same, nobody), their undo, a question for a second opinion; proposals of a model
          and their activation by a second person; its decisions follow from the registry's events, the rulings, the
          rules and the model in force
emits     LinkConfirmed, LinkWithdrawn, ReviewOpened, EntryUnmatched, EntryWithdrawn, MemberCovered,
          MemberCoverWithdrawn, RowRuled, RulingWithdrawn, SecondOpinionAsked, ReviewRead, CategoryRulesActivated,
          MatchingModelActivated, DayOpened
consumes  registry
serves    the roster (paged, counted, as xlsx, live), each student's categories over time, the review queue and each
          case, unmatched rows, children enrolled nowhere, the models with what each proposed one would change
"""
