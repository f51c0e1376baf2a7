"""Pages of audit: replays, files, proofs, alarms, reads, erasures, questions."""
