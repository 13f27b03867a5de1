"""Keras layers: networks and the precisions that make a decoder's uncertainty grow away from data."""

from tfgeo.layers.convolutions import Convolutions, TransposedConvolutions
from tfgeo.layers.gmm_precision import GMMPrecision
from tfgeo.layers.metric_network import MetricNetwork
from tfgeo.layers.mlp import MLP
from tfgeo.layers.precision import Precision
from tfgeo.layers.rbf_precision import RBFPrecision
from tfgeo.layers.residual_mlp import ResidualMLP

__all__ = [
    "MLP",
    "Convolutions",
    "GMMPrecision",
    "MetricNetwork",
    "Precision",
    "RBFPrecision",
    "ResidualMLP",
    "TransposedConvolutions",
]
