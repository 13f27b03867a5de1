"""Solvers: how the energy of a batch of curves is minimized, step by step."""
