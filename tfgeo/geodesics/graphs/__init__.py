"""Graphs: shortest paths through samples or over a grid, without a solver."""
