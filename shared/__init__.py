"""Mechanisms shared by every service: no business noun lives here and nothing is imported from services/."""
