"""Hamiltonian flows: TFP bijectors on pairs of a latent point and a momentum."""

from tfgeo.flows.hamiltonian_leapfrog import HamiltonianLeapfrog
from tfgeo.flows.leapfrog import Leapfrog, Position
from tfgeo.flows.phase_flow import PhaseFlow, first_divergence
from tfgeo.flows.riemannian_leapfrog import RiemannianLeapfrog
from tfgeo.flows.tempered import Tempered
from tfgeo.flows.tempering import Tempering, tempering_schedule

__all__ = [
    "HamiltonianLeapfrog",
    "Leapfrog",
    "PhaseFlow",
    "Position",
    "RiemannianLeapfrog",
    "Tempered",
    "Tempering",
    "first_divergence",
    "tempering_schedule",
]
