"""Regular reports of dropout control: of which period, from which events, what they count, how they are issued."""
