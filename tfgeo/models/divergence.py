"""Where a flow left the finite numbers during training, and how often."""

from __future__ import annotations

import keras
import tensorflow as tf

__all__ = ["Divergence"]

# Above every number of a step.
NEVER = 2**31 - 1


class Divergence(keras.metrics.Metric):
    """Keeps the first training step in which a trajectory diverged, and the earliest leapfrog step of that one.

    Also counts training steps, and those whose gradient was not finite and was left out. A metric because Keras
    resets those when a round begins, and leaves them out of saved weights.
    """

    def __init__(self, name: str = "divergence") -> None:
        super().__init__(name=name, dtype="int32")
        self.training_step = self._add_number("training_step")
        self.leapfrog_step = self._add_number("leapfrog_step")
        self.num_steps = self._add_number("num_steps")
        self.num_skipped = self._add_number("num_skipped")
        self.reset_state()

    def _add_number(self, name: str) -> keras.Variable:
        # Replicas of a model see the same trajectories and gradients: one of them is to be read, not their sum.
        return self.add_variable((), "zeros", dtype="int32", aggregation="only_first_replica", name=name)

    def update_state(self, found: tf.Tensor, training_step: tf.Tensor) -> None:
        """Takes the result of `first_divergence` for a batch."""
        earliest = tf.reduce_min(tf.where(found < 0, NEVER, found))
        is_first = (earliest < NEVER) & (self.training_step < 0)
        self.leapfrog_step.assign(tf.where(is_first, earliest, self.leapfrog_step))
        self.training_step.assign(tf.where(is_first, tf.cast(training_step, tf.int32), self.training_step))

    def count(self, is_skipped: tf.Tensor) -> None:
        """Takes whether a training step was left out."""
        self.num_steps.assign_add(1)
        self.num_skipped.assign_add(tf.cast(is_skipped, tf.int32))

    def share_of_skipped_steps(self) -> float:
        """0 before the first step."""
        return _read(self.num_skipped) / max(1, _read(self.num_steps))

    def result(self) -> tf.Tensor:
        return self.leapfrog_step.value

    def reset_state(self) -> None:
        self.training_step.assign(-1)
        self.leapfrog_step.assign(-1)
        self.num_steps.assign(0)
        self.num_skipped.assign(0)

    def found(self) -> tuple[int, int]:
        """Training step, counted from 0, and leapfrog step; -1 each where all was finite."""
        return _read(self.training_step), _read(self.leapfrog_step)


def _read(number: keras.Variable) -> int:
    return int(tf.convert_to_tensor(number.value))  # one that replicas have is no number itself
