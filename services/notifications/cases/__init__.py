"""An alert is a case: from raised over team and attempts to an end on evidence, with deadlines that escalate."""
