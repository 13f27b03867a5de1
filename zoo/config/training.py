"""How models are trained and judged."""

from __future__ import annotations

import dataclasses

from tfgeo.errors import UserError, check_at_least, check_count, check_positive
from zoo.config.checks import check_choice, check_fraction

__all__ = ["EvaluationConfig", "TrainingConfig"]


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Training of the networks: Adam on the evidence lower bound.

    Attributes:
      epochs: passes over the data, at most.
      batch_size: samples of a step.
      learning_rate: Adam's step size.
      validation_fraction: share of each class that is held out; 0 trains on all.
      patience: passes without a better value of what is watched after which training stops, the weights being
        those of the best; 0 makes all passes.
      stop_on: what is watched: "validation", the bound of the held-out samples, or "training", the loss of the
        training itself.
      gradient_norm: longest gradient of a step, longer ones are shortened; 0 takes them as they are.
      importance_samples: K of an IWAE's bound; 0 for the VAE's.
      drop_remainder: leaves out the last, incomplete batch of every pass, and so of `variance`'s.
    """

    epochs: int
    batch_size: int
    learning_rate: float = 1e-3
    validation_fraction: float = 0.0
    patience: int = 0
    gradient_norm: float = 0.0
    importance_samples: int = 0
    stop_on: str = "validation"
    drop_remainder: bool = False

    def __post_init__(self) -> None:
        check_count("training.epochs", self.epochs)
        check_count("training.batch_size", self.batch_size)
        check_positive("training.learning_rate", self.learning_rate)
        check_fraction("training.validation_fraction", self.validation_fraction)
        check_at_least("training.gradient_norm", self.gradient_norm, 0.0)
        check_count("training.importance_samples", self.importance_samples, 0)
        check_choice("training.stop_on", self.stop_on, ("validation", "training"))
        check_count("training.patience", self.patience, 0)
        if self.watches_held_out and not self.validation_fraction:
            raise UserError(
                f"`training.patience`={self.patience} watches held-out samples, but none are held out; "
                "set --config.training.validation_fraction=0.2, or --config.training.stop_on=training"
            )
        if self.stop_on == "training" and not self.patience:
            raise UserError(
                "`training.stop_on`='training' is what `training.patience` watches, but that is 0 and watches "
                "nothing; set --config.training.patience=50, or leave stop_on out"
            )

    @property
    def watches_held_out(self) -> bool:
        """Whether training stops early by the bound of held-out samples."""
        return self.patience > 0 and self.stop_on == "validation"


@dataclasses.dataclass(frozen=True)
class EvaluationConfig:
    """How log p(x) of the held-out samples is estimated, or of all samples where none are held out.

    Attributes:
      num_samples: importance samples of an estimate.
      repeats: independent estimates, of which mean and standard deviation are given.
      flow_repeats: the same with a Hamiltonian model's flow as proposal, which takes a hundred times as long; 0
        makes none.
      curve_every: passes between two estimates during training, for the training curves; where the data are few,
        those of a round if that has more (see `tfgeo.models.fit`). 0 makes none.
    """

    num_samples: int = 200
    repeats: int = 5
    flow_repeats: int = 5
    curve_every: int = 0

    def __post_init__(self) -> None:
        check_count("evaluation.num_samples", self.num_samples)
        check_count("evaluation.repeats", self.repeats)
        check_count("evaluation.flow_repeats", self.flow_repeats, 0)
        check_count("evaluation.curve_every", self.curve_every, 0)
