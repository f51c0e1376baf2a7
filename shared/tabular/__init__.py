"""Sheets in and out: workbooks and csv read within limits, headers found by their labels, rows written as text."""
