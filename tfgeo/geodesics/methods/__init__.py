"""Methods: distances among very many points by a grid, a graph or landmarks, where a solver would take days."""
