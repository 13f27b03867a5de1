"""Where a flow left the finite numbers during training."""

from __future__ import annotations

import keras
import tensorflow as tf

__all__ = ["FirstDivergence"]

# Above every number of a step.
NEVER = 2**31 - 1


class FirstDivergence(keras.metrics.Metric):
    """Keeps the first training step in which a trajectory diverged, and the earliest leapfrog step of that one.

    A metric because Keras resets those when a round begins, and leaves them out of saved weights.
    """

    def __init__(self, name: str = "divergence") -> None:
        super().__init__(name=name, dtype="int32")
        self.training_step = self.add_variable((), "zeros", dtype="int32", name="training_step")
        self.leapfrog_step = self.add_variable((), "zeros", dtype="int32", name="leapfrog_step")
        self.reset_state()

    def update_state(self, found: tf.Tensor, training_step: tf.Tensor) -> None:
        """Takes the result of `first_divergence` for a batch."""
        earliest = tf.reduce_min(tf.where(found < 0, NEVER, found))
        is_first = (earliest < NEVER) & (self.training_step < 0)
        self.leapfrog_step.assign(tf.where(is_first, earliest, self.leapfrog_step))
        self.training_step.assign(tf.where(is_first, tf.cast(training_step, tf.int32), self.training_step))

    def result(self) -> tf.Tensor:
        return self.leapfrog_step.value

    def reset_state(self) -> None:
        self.training_step.assign(-1)
        self.leapfrog_step.assign(-1)

    def found(self) -> tuple[int, int]:
        """Training step, counted from 0, and leapfrog step; -1 each where all was finite."""
        return int(self.training_step), int(self.leapfrog_step)
