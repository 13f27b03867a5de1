"""Whole papers: which runs make a table, running them over seeds, and what is gathered and published."""
