"""Starts: curves that already follow the data, from which solvers begin."""
