"""Chadebec, Mantoux and Allassonnière (2020): Geometry-Aware Hamiltonian Variational Auto-Encoder."""

from zoo.chadebec2020 import clustering, evaluation, generation, geometry

__all__ = ["ENTRIES", "STUDIES"]

ENTRIES = (*evaluation.ENTRIES, *geometry.ENTRIES, *generation.ENTRIES, *clustering.ENTRIES)
STUDIES = (*evaluation.STUDIES, *geometry.STUDIES, *clustering.STUDIES)
