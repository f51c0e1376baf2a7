"""Composition roots and the embedded start: PostgreSQL, Kafka, topics and the service processes.

Nothing below this package imports it, except `cli`, `bench` and the tests.
"""
