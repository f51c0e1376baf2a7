"""Pages of dropout control: alerts, cases, attendance, messages, reports."""
