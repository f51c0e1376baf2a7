"""Facts kept for ever: the event's one shape, the store, the sequencer, the folds."""
