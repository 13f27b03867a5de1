"""Approximations: distances among very many points by grids, graphs and landmarks, and how far off they are."""
