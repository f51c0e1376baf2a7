"""Delivery: from alerts and escalations to messages that reach the people who answer for a school or a division."""
