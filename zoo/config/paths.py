"""How Chen et al. find shortest paths: a neural curve for each pair (2018), a graph of samples for all (2019)."""

from __future__ import annotations

import dataclasses

from tfgeo.errors import UserError, check_at_least, check_count, check_positive
from zoo.config.checks import check_choice

__all__ = ["GraphConfig", "NeuralConfig"]


@dataclasses.dataclass(frozen=True)
class NeuralConfig:
    """The neural geodesics of Chen et al. (2018), Sec. 3 and Appendix A.

    Attributes:
      num_pairs: pairs that get one; each costs a training of a network. 0 leaves them out.
      hidden_units: units of the curve's network (Table 1).
      num_points: points at which Eq. 10 is summed (Table 1).
      learning_rate: Adam's (Table 1).
      max_iterations: its steps.
      loss: "length" (Eq. 10) or "energy".
      penalty: lambda_s of Eq. 15, the weight of the metric's norm along the curve.
      speed_weight: lambda_phi of Appendix A, the weight of the largest velocity in the validation.
      num_curves: random Bezier curves of the pre-training.
    """

    num_pairs: int = 5
    hidden_units: tuple[int, ...] = (150, 150)
    num_points: int = 500
    learning_rate: float = 1e-2
    max_iterations: int = 300
    loss: str = "length"
    penalty: float = 0.0
    speed_weight: float = 0.01
    num_curves: int = 20

    def __post_init__(self) -> None:
        check_count("neural.num_pairs", self.num_pairs, 0)
        if not self.hidden_units:
            raise UserError("`neural.hidden_units` is empty; give the units of at least one hidden layer")
        for units in self.hidden_units:
            check_count("neural.hidden_units", units)
        check_count("neural.num_points", self.num_points, 3)
        check_positive("neural.learning_rate", self.learning_rate)
        check_count("neural.max_iterations", self.max_iterations)
        check_choice("neural.loss", self.loss, ("length", "energy"))
        check_at_least("neural.penalty", self.penalty, 0.0)
        check_at_least("neural.speed_weight", self.speed_weight, 0.0)
        check_count("neural.num_curves", self.num_curves)


@dataclasses.dataclass(frozen=True)
class GraphConfig:
    """The graph of Chen et al. (2019): posterior means joined to their nearest neighbours.

    Attributes:
      num_neighbours: k.
      num_nodes: samples that are nodes, drawn by the seed; 0 takes all.
      points_per_edge: points on each edge at which its length is measured.
    """

    num_neighbours: int = 15
    num_nodes: int = 0
    points_per_edge: int = 5

    def __post_init__(self) -> None:
        check_count("graph.num_neighbours", self.num_neighbours)
        check_count("graph.num_nodes", self.num_nodes, 0)
        check_count("graph.points_per_edge", self.points_per_edge, 2)
