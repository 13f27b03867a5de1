"""Configurations of entries as frozen dataclasses: all that an experiment needs, without TensorFlow."""

from zoo.config.data import DataConfig
from zoo.config.entry import EntryConfig, from_dict, open_fields, to_dict
from zoo.config.experiments import (
    CENTROID_METRICS,
    METRICS,
    ClusteringConfig,
    FiguresConfig,
    GenerationConfig,
    GeodesicsConfig,
    InterpolationConfig,
)
from zoo.config.likelihoods import COUNTS, follow_likelihood
from zoo.config.model import FlowConfig, MetricConfig, NetworkConfig, VarianceConfig
from zoo.config.paths import GraphConfig, NeuralConfig
from zoo.config.reported import Reported
from zoo.config.training import EvaluationConfig, TrainingConfig

__all__ = [
    "CENTROID_METRICS",
    "COUNTS",
    "METRICS",
    "ClusteringConfig",
    "DataConfig",
    "EntryConfig",
    "EvaluationConfig",
    "FiguresConfig",
    "FlowConfig",
    "GenerationConfig",
    "GeodesicsConfig",
    "GraphConfig",
    "InterpolationConfig",
    "MetricConfig",
    "NetworkConfig",
    "NeuralConfig",
    "Reported",
    "TrainingConfig",
    "VarianceConfig",
    "follow_likelihood",
    "from_dict",
    "open_fields",
    "to_dict",
]
