"""Training by several replicas of a model, on the devices of one machine or of many: `tf.distribute`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.models.passes import Passes
from tfgeo.models.vae import VAE

__all__ = ["ReplicatedAdam", "Replicas"]

# Strategies under which every replica has all weights and makes every step.
_ACCEPTED = (tf.distribute.MirroredStrategy, tf.distribute.MultiWorkerMirroredStrategy)


@keras.saving.register_keras_serializable(package="tfgeo")
class ReplicatedAdam(keras.optimizers.Adam):
    """Adam whose gradients are sums over all replicas when it gets them.

    Keras would sum them once more. They must be summed before: whether a gradient is finite, and how long it is, is
    a question to that of the whole batch.
    """

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
        return grads_and_vars


class Replicas:
    """The replicas of a model that was built in the scope of a strategy, and what they train in common.

    Each step has the batch that a single process has, with its noise. Every replica takes the same share of its
    rows, up to one, and the gradient is the sum of theirs. So the weights are those of a single process, up to the
    rounding of sums in another order.

    Args:
      strategy: a strategy with mirrored weights.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self.strategy = strategy
        self._send = tf.function(self._send_from_chief, autograph=False)

    @classmethod
    def of(cls, model: VAE) -> Replicas | None:
        """Those of a model, or None where it was built without a strategy.

        Raises:
          UserError: if it was built outside of the strategy that is in scope, or in one without mirrored weights.
        """
        # Its property would answer with the strategy that is in scope.
        strategy = getattr(model, "_distribute_strategy", None)
        if tf.distribute.has_strategy() and tf.distribute.get_strategy() is not strategy:
            raise UserError(
                "the model was built outside of the strategy in whose scope it is trained; build it in "
                "`with strategy.scope():`."
            )
        if strategy is None:
            return None
        if not isinstance(strategy, _ACCEPTED):
            raise UserError(
                f"models do not train under {type(strategy).__name__}; take tf.distribute.MirroredStrategy or "
                "MultiWorkerMirroredStrategy."
            )
        return cls(strategy)

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes files."""
        return bool(self.strategy.extended.should_checkpoint)

    @property
    def _has_processes(self) -> bool:
        return isinstance(self.strategy, tf.distribute.MultiWorkerMirroredStrategy)

    def scope(self) -> contextlib.AbstractContextManager:
        """The strategy's."""
        return self.strategy.scope()

    def from_chief(self, value: Any) -> np.ndarray:
        """An array as the chief has it, in all processes, which must all call this; shape and dtype are theirs."""
        value = np.asarray(value)
        if not self._has_processes or not value.size:  # TensorFlow crashes on a sum of nothing
            return value
        sent = tf.constant(value.astype(np.int32) if value.dtype == bool else value)
        return self._send(sent).numpy().astype(value.dtype)

    def _send_from_chief(self, value: tf.Tensor) -> tf.Tensor:
        """As a sum to which the first replica, one of the chief's, adds its value and all others nothing."""

        def send() -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            is_sender = tf.equal(context.replica_id_in_sync_group, 0)
            mine = tf.where(is_sender, value, tf.zeros_like(value))
            return context.all_reduce(tf.distribute.ReduceOp.SUM, mine)

        return self.strategy.experimental_local_results(self.strategy.run(send))[0]

    def take_from_chief(self, variables: Iterable[tf.Variable | keras.Variable]) -> None:
        """Gives all processes the chief's values of variables."""
        if self._has_processes:
            for variable in variables:
                variable.assign(self.from_chief(variable))

    def fit(
        self,
        model: VAE,
        batches: Passes,
        passes: range,
        initial_epoch: int,
        epochs: int,
        steps_per_epoch: int,
        callbacks: Sequence[keras.callbacks.Callback],
        verbose: int,
    ) -> keras.callbacks.History:
        """Trains as `keras.Model.fit` does, which knows no shares of batches.

        Args:
          model: the model, compiled with a `ReplicatedAdam`.
          batches: the data.
          passes: passes over them that are to be made.
          initial_epoch: as in `keras.Model.fit`.
          epochs: as in `keras.Model.fit`.
          steps_per_epoch: as in `keras.Model.fit`.
          callbacks: Keras callbacks, which all processes call.
          verbose: as in `keras.Model.fit`.
        """
        steps = model.steps_per_execution
        execute = self._compile(model, steps, batches.batch_size)
        progress = keras.callbacks.CallbackList(
            list(callbacks),
            add_history=True,
            add_progbar=verbose != 0,
            verbose=verbose,
            epochs=epochs,
            steps=steps_per_epoch,
            model=model,
        )
        shares = self.strategy.distribute_datasets_from_function(lambda context: batches.shares(passes, context))
        iterator = iter(shares) if passes else None
        model.stop_training = False
        progress.on_train_begin()
        logs: dict[str, float] = {}
        for epoch in range(initial_epoch, epochs):
            model.reset_metrics()
            progress.on_epoch_begin(epoch)
            totals = np.zeros(4)
            for first in range(0, steps_per_epoch, steps):
                progress.on_train_batch_begin(first)
                totals += execute(iterator).numpy()
                logs = _means(totals) | {name: float(value) for name, value in model.step_logs().items()}
                progress.on_train_batch_end(first + steps - 1, logs)
            progress.on_epoch_end(epoch, logs)
            # One that stopped alone would leave the others waiting.
            if self.from_chief(model.stop_training):
                break
        progress.on_train_end(logs)
        return model.history

    def _compile(self, model: VAE, num_steps: int, batch_size: int) -> Callable[[Any], tf.Tensor]:
        """So many steps of an iterator: sums of loss, reconstruction and divergence, and the number of samples."""

        def step(x: tf.Tensor, first: tf.Tensor, total: tf.Tensor) -> tf.Tensor:
            log_likelihood, divergence = model.update(x, (first, total, batch_size))
            values = [divergence - log_likelihood, -log_likelihood, divergence, tf.ones_like(divergence)]
            sums = tf.stack([tf.reduce_sum(value) for value in values])
            sums = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, sums)
            # Where no trajectory of the batch is finite the log is not.
            return tf.cast(tf.where(sums[3] > 0.0, sums, np.nan), tf.float32)

        def execute(batches: Any) -> tf.Tensor:
            def body(number: tf.Tensor, totals: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                sums = self.strategy.run(step, args=batches.get_next())
                sums = self.strategy.experimental_local_results(sums)[0]
                if model.after_update is not None:
                    model.after_update(sums[0] / sums[3])
                return number + 1, totals + sums

            state = (tf.constant(0), tf.zeros([4]))
            return tf.while_loop(lambda number, _: number < num_steps, body, state, parallel_iterations=1)[1]

        # As for Keras' own steps, nothing in them is to be rewritten.
        return execute if model.run_eagerly else tf.function(execute, autograph=False)


def _means(totals: np.ndarray) -> dict[str, float]:
    with np.errstate(invalid="ignore", divide="ignore"):
        means = totals[:3] / totals[3]
    return dict(zip(("loss", "reconstruction", "kl_divergence"), map(float, means), strict=True))
