"""Typed, frozen configurations: all that an experiment needs, and nothing that needs TensorFlow."""

from zoo.config.data import DataConfig
from zoo.config.entry import EntryConfig, from_dict, to_dict
from zoo.config.experiments import (
    ClusteringConfig,
    FiguresConfig,
    GenerationConfig,
    GeodesicsConfig,
    InterpolationConfig,
)
from zoo.config.model import FlowConfig, MetricConfig, NetworkConfig, VarianceConfig
from zoo.config.paths import GraphConfig, NeuralConfig
from zoo.config.reported import Reported
from zoo.config.training import EvaluationConfig, TrainingConfig

__all__ = [
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
    "from_dict",
    "to_dict",
]
