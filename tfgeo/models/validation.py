"""Early stopping inside the compiled training loop: by the bound of held-out data, or by the loss of training."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgeo.models.vae import VAE
from tfgeo.randomness import derive_seed

__all__ = ["BestPass", "StopByPatience", "TrainingLoss", "Validation"]

# Samples whose bound is computed at once.
BLOCK_SIZE = 1000


class BestPass(abc.ABC):
    """Keeps the weights of the pass with the smallest loss, and says when to stop.

    All of it is part of the compiled step: on small data a pass takes milliseconds, less than what Keras does
    between passes.

    Args:
      model: the model.
      steps: steps of a pass.
      epochs: passes at most.
      patience: stop after this many passes without a smaller loss; None never stops.
    """

    def __init__(self, model: VAE, steps: int, epochs: int, patience: int | None) -> None:
        self._model = model
        self._steps = steps
        self._patience = epochs if patience is None else patience
        self._losses = tf.Variable(np.zeros([epochs], np.float32))
        self._num_passes = tf.Variable(0)
        self._best_loss = tf.Variable(np.float32(np.inf))
        self._best_pass = tf.Variable(0)
        self._is_stopped, self._has_diverged = tf.Variable(False), tf.Variable(False)
        self._best_weights = [tf.Variable(np.asarray(weight)) for weight in model.trainable_variables]

    @property
    def variables(self) -> list[tf.Variable]:
        """What an interrupted training needs to continue."""
        counts = [self._num_passes, self._best_pass, self._is_stopped, self._has_diverged]
        return [self._losses, self._best_loss, *counts, *self._best_weights]

    @property
    def losses(self) -> np.ndarray:
        """The loss of each pass, `[passes]`, as far as training went."""
        return self._losses.numpy()[: int(self._num_passes.numpy())]

    @property
    def best_epoch(self) -> int:
        """The pass with the smallest loss, counted from 1; 0 if none was finite."""
        return int(self._best_pass.numpy())

    @property
    def is_usable(self) -> bool:
        """Whether there is a best pass whose last step left the weights finite, which its loss does not say."""
        return self.best_epoch > 0 and all(np.isfinite(weight).all() for weight in self._best_weights)

    @property
    def is_stopped(self) -> bool:
        """Whether the training is over: patience ran out, or `give_up` was called."""
        return bool(self._is_stopped.numpy())

    @property
    def ran_out_of_patience(self) -> bool:
        """Whether the training is over by passes that were worse, and not by ones whose loss was none."""
        return self.is_stopped and not self.has_diverged and bool(np.isfinite(self.losses[self.best_epoch :]).all())

    @property
    def has_diverged(self) -> bool:
        """Whether `give_up` was called."""
        return bool(self._has_diverged.numpy())

    def after_update(self, loss: tf.Tensor) -> None:
        """To be called in the compiled step after its update, with its loss: does its work at the end of a pass."""
        self._add_step(loss)
        step = tf.cast(self._model.optimizer.iterations, tf.int32)
        # The rest of the round after the end of patience changes weights that are thrown away.
        _perform_if((step % self._steps == 0) & ~self._is_stopped, self._end_pass)

    def restore(self) -> None:
        """Gives the model the weights of the best pass."""
        if self.best_epoch > 0:
            for weight, best in zip(self._model.trainable_variables, self._best_weights, strict=True):
                weight.assign(best)

    def give_up(self) -> None:
        """Ends with the best pass, whose weights the model has at once: what came after it has broken them."""
        self._is_stopped.assign(True)
        self._has_diverged.assign(True)
        self.restore()

    @abc.abstractmethod
    def _loss(self) -> tf.Tensor:
        """The loss of the pass that ends."""

    def _add_step(self, loss: tf.Tensor) -> None:
        """Takes note of the loss of a step; a loss of held-out data does not need it."""
        del loss

    def _end_pass(self) -> None:
        loss = self._loss()
        # In place: the whole history would be copied otherwise. By what variables of a strategy have, too.
        self._losses.scatter_update(tf.IndexedSlices([loss], [self._num_passes]))
        self._num_passes.assign_add(1)
        _perform_if(loss < self._best_loss, lambda: self._keep(loss))
        self._is_stopped.assign(self._num_passes - self._best_pass >= self._patience)

    def _keep(self, loss: tf.Tensor) -> None:
        self._best_loss.assign(loss)
        self._best_pass.assign(self._num_passes)
        for best, weight in zip(self._best_weights, self._model.trainable_variables, strict=True):
            best.assign(weight.value)


class Validation(BestPass):
    """Judges a pass by the bound of held-out data, under the same noise each time, so that passes can be compared.

    Args:
      model: the model; its `terms_given` the training data are looked at.
      inputs: `[n, D]` training data.
      held_out: `[m, D]` validation data.
      steps: steps of a pass.
      epochs: passes at most.
      patience: stop after this many passes without a better bound; None never stops.
      seed: seed of the noise.
    """

    def __init__(
        self,
        model: VAE,
        inputs: tf.Tensor,
        held_out: tf.Tensor,
        steps: int,
        epochs: int,
        patience: int | None,
        seed: int,
    ) -> None:
        super().__init__(model, steps, epochs, patience)
        self._inputs = inputs
        self._held_out = held_out
        self._seed = derive_seed(seed, "validation")

    def _loss(self) -> tf.Tensor:
        """Mean negative bound, in blocks of the held-out data."""
        terms = self._model.terms_given(self._inputs)
        num = self._held_out.shape[0]
        num_blocks = num // BLOCK_SIZE

        def total(rows: tf.Tensor, block: tf.Tensor | int) -> tf.Tensor:
            log_likelihood, divergence = terms(rows, tf.random.experimental.stateless_fold_in(self._seed, block))
            return tf.reduce_sum(divergence - log_likelihood)

        sums = []
        if num_blocks:
            blocks = tf.reshape(self._held_out[: num_blocks * BLOCK_SIZE], [num_blocks, BLOCK_SIZE, -1])
            totals = tf.map_fn(
                lambda item: total(*item), (blocks, tf.range(num_blocks)), fn_output_signature=tf.float32
            )
            sums.append(tf.reduce_sum(totals))
        if num % BLOCK_SIZE:
            sums.append(total(self._held_out[num_blocks * BLOCK_SIZE :], num_blocks))
        return tf.add_n(sums) / num


class TrainingLoss(BestPass):
    """Judges a pass by the mean loss of its steps, each before its update; the weights kept are those after it.

    Args:
      model: the model.
      steps: steps of a pass.
      epochs: passes at most.
      patience: stop after this many passes without a smaller loss.
    """

    def __init__(self, model: VAE, steps: int, epochs: int, patience: int) -> None:
        super().__init__(model, steps, epochs, patience)
        self._total = tf.Variable(np.float32(0.0))

    @property
    def variables(self) -> list[tf.Variable]:
        return [*super().variables, self._total]

    def _add_step(self, loss: tf.Tensor) -> None:
        self._total.assign_add(loss)

    def _loss(self) -> tf.Tensor:
        mean = self._total / self._steps
        self._total.assign(0.0)
        return mean


def _perform_if(condition: tf.Tensor, action: Callable[[], None]) -> None:
    """Assignments that are made where a condition holds."""

    def perform() -> tf.Tensor:
        action()
        return tf.constant(True)

    tf.cond(condition, perform, lambda: tf.constant(False))


class StopByPatience(keras.callbacks.Callback):
    """Ends training once patience ran out; of a validation, adds the last loss of a round to its logs.

    Args:
      best: what runs in the compiled step.
    """

    def __init__(self, best: BestPass) -> None:
        super().__init__()
        self.best = best

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None and isinstance(self.best, Validation):
            logs["val_loss"] = float(self.best.losses[-1])
        if self.best.is_stopped:
            self.model.stop_training = True
