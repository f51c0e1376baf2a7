"""Benchmarks: rates with their peers on the same machine in the same run."""
