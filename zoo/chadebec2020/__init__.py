"""Entries of Chadebec et al. (2020): VAEs, Hamiltonian VAEs and Riemannian ones with a learned metric.

Chadebec, Mantoux and Allassonnière, "Geometry-Aware Hamiltonian Variational Auto-Encoder", arXiv:2010.11518.
"""

from zoo.chadebec2020 import clustering, evaluation, generation, geometry

__all__ = ["ENTRIES", "STUDIES"]

ENTRIES = (*evaluation.ENTRIES, *geometry.ENTRIES, *generation.ENTRIES, *clustering.ENTRIES)
STUDIES = (*evaluation.STUDIES, *geometry.STUDIES, *clustering.STUDIES)
