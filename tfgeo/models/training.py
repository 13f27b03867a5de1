"""Two-stage training: the networks under a constant variance, then the precision with all else frozen."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgeo.batches import batched
from tfgeo.checkpoints import TrainingCheckpoint
from tfgeo.datasets import StoredRows
from tfgeo.errors import UserError, check_count, check_data, check_positive
from tfgeo.layers.half_precision import in_half_precision
from tfgeo.models.callbacks import StopOnNonFiniteLoss, check_callbacks
from tfgeo.models.passes import Passes
from tfgeo.models.replicas import Replicas, ReplicatedAdam
from tfgeo.models.vae import VAE
from tfgeo.models.validation import BestPass, StopByPatience, TrainingLoss, Validation
from tfgeo.randomness import derive_integer, generator

__all__ = ["fit", "fit_variance"]

# Keras' own work for an epoch (callbacks, progress bar) costs milliseconds, a pass over a hundred points
# costs microseconds: several passes make one Keras epoch of about this many steps where their number divides.
STEPS_PER_ROUND = 50
# What early stopping may watch.
STOPS = ("validation", "training")
# Posterior samples from which the variance's start is computed, at the least.
MIN_START_SAMPLES = 2000
# And at the most, of data that do not fit in memory.
MAX_START_SAMPLES = 20_000


def fit(
    model: VAE,
    inputs: np.ndarray,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] | None = (),
    verbose: int = 1,
    checkpoint: TrainingCheckpoint | None = None,
    validation_data: np.ndarray | None = None,
    patience: int | None = None,
    gradient_norm: float | None = None,
    stop_on: str = "validation",
    drop_remainder: bool = False,
    passes_per_round: int | None = None,
    mixed_precision: bool = False,
) -> keras.callbacks.History:
    """Maximizes the evidence lower bound over the model's trainable weights with Adam.

    The order of the samples and the noise depend on the seed and the step alone.

    With validation data their bound is computed after every pass, with the same noise each time, and the model
    ends with the weights of the pass where it was best. An `RHVAE` is validated with the metric of the training
    data under the weights of the pass, and keeps that of the best pass. With `stop_on="training"` and a patience
    the model ends with the weights after the pass whose steps had the smallest mean loss.

    Args:
      model: the model; it is compiled here.
      inputs: `[n, D]` float32 data; of `StoredRows` each step reads its samples.
      epochs: passes over the data.
      batch_size: samples of a step; the data size where that is smaller. The last batch of a pass holds what is
        left.
      learning_rate: Adam's step size.
      seed: seed of the order of the samples.
      callbacks: Keras callbacks of any kind, or None, whose logs have the names of `METRIC_NAMES`. Their "epoch" is
        a round, their "batch" up to 50 steps. They are called after the model's own checks and before the
        checkpoint.
      verbose: as in `keras.Model.fit`.
      checkpoint: where to save the state from time to time, and to continue from if it is there, early stopping
        included: a run that was stopped and continued ends with the same bits.
      validation_data: `[m, D]` held-out data.
      patience: stop once this many passes in a row brought no better bound of the validation data, or no smaller
        training loss; by default all passes are made.
      gradient_norm: where the gradient of a step, of all weights together, is longer than this, it is shortened.
        Adam divides by what gradients have been like: after a single huge one it stands still for long.
      stop_on: what `patience` watches: "validation" the bound of the validation data, "training" the loss of the
        training steps, which takes no validation data.
      drop_remainder: leaves the last, incomplete batch of every pass out, which are other samples each time. Where
        data are many it changes nothing but the steps' equal shape; 160 samples in batches of 60 lose a quarter.
      passes_per_round: passes that callbacks see as one epoch, a divisor of `epochs`; by default as many as make
        about 50 steps, since a round costs time of its own. What is learned does not depend on it.
      mixed_precision: whether the networks compute in bfloat16 while they are trained, callbacks and
        validation included, on GPUs that are faster so;
        weights, likelihoods, flows and metrics are in float32, and after the training all is.

    Returns:
      Keras' history, one value per round, under the names of `METRIC_NAMES`. With validation data the history has
      the attribute `val_losses`, `[passes]`, with the negative bound after every pass; with
      `stop_on="training"` it has `training_losses`. Both have `best_epoch`, the pass kept, counted from 1, and
      `diverged`, whether the training broke after it.

    Raises:
      UserError: if the data are no table of finite numbers, or the model cannot be trained on them; if there is
        nothing for `patience` to watch, or no patience to watch the training loss; if the loss or
        a weight stops being finite, or most gradients of a round are not: the message names the round, and for a
        flow that diverged its training step and leapfrog step. With a patience this is a warning where the best
        pass comes after more passes than that, and the model ends with its weights.
    """
    epochs = check_count("epochs", epochs)
    callbacks = check_callbacks(callbacks)
    replicas = Replicas.of(model)
    gradient_norm = None if gradient_norm is None else check_positive("gradient_norm", gradient_norm)
    patience = _check_patience(patience, stop_on, validation_data is not None)
    inputs = _check_inputs(inputs)
    with contextlib.nullcontext() if replicas is None else replicas.scope():
        model.before_training(inputs)
        if not model.built:  # validation and checkpoints keep the weights from here on
            model.build((None, inputs.shape[1]))
    batches = Passes(inputs, batch_size, seed, drop_remainder)
    steps = batches.steps
    # Divisors, so that rounds are equal and the passes exactly those asked for.
    passes = _choose_passes(passes_per_round, epochs, -(-STEPS_PER_ROUND // steps))
    rounds = epochs // passes
    with contextlib.nullcontext() if replicas is None else replicas.scope():
        adam = keras.optimizers.Adam if replicas is None else ReplicatedAdam
        model.compile(
            optimizer=adam(learning_rate, global_clipnorm=gradient_norm),
            # Keras runs whole executions: one that does not divide a round takes steps of the next one.
            steps_per_execution=_largest_divisor(steps * passes, STEPS_PER_ROUND),
            jit_compile=False,
        )
        # A step that makes Adam's variables itself is traced a second time without.
        model.optimizer.build(model.trainable_variables)
    best: BestPass | None = None
    if validation_data is not None:
        validation_data = check_data(validation_data, "validation_data", inputs.shape[1])
        model.check_inputs(validation_data, "`validation_data`")
        best = Validation(model, batches.data, tf.constant(validation_data), steps, epochs, patience, seed)
    elif patience is not None:
        best = TrainingLoss(model, steps, epochs, patience)
    extra_variables = [] if best is None else best.variables
    if replicas is not None and not replicas.is_chief:  # which alone reads and writes it
        checkpoint = None
    done = 0 if checkpoint is None else checkpoint.restore(model, extra_variables)
    if replicas is not None:
        done = int(replicas.from_chief(done))
        replicas.take_from_chief([*model.weights, *model.optimizer.variables, *extra_variables])
    if best is not None and best.is_stopped:
        rounds = done
    model.after_update = None if best is None else best.after_update
    all_callbacks = [
        StopOnNonFiniteLoss(best, patience),
        *([] if best is None else [StopByPatience(best)]),
        *callbacks,
        *([] if checkpoint is None else [checkpoint]),
    ]
    left = range(done * passes, rounds * passes)
    how: dict[str, Any] = {"steps_per_epoch": steps * passes, "callbacks": all_callbacks, "verbose": verbose}
    try:
        with in_half_precision(model.networks if mixed_precision else []):
            if replicas is None:
                history = model.fit(batches.batches(left), initial_epoch=done, epochs=rounds, shuffle=False, **how)
            else:
                history = replicas.fit(model, batches, left, initial_epoch=done, epochs=rounds, **how)
    except tf.errors.OpError as error:
        # What a reader of files says of them, without the graph in which it was called.
        if batches.failure is not None:
            raise batches.failure from error
        raise
    finally:
        model.after_update = None
    if best is not None:
        _keep_best(model, best, history)
        history.diverged = best.has_diverged
    model.after_training(inputs)
    if replicas is not None:
        replicas.take_from_chief(model.weights)
    return history


def _check_inputs(inputs: Any) -> Any:
    """A finite table; one on disk was gone through when it was found."""
    return inputs if isinstance(inputs, StoredRows) else check_data(inputs, "inputs")


def _check_patience(patience: int | None, stop_on: str, has_validation: bool) -> int | None:
    """The patience, once it is known to have something to watch."""
    if stop_on not in STOPS:
        raise UserError(f"`stop_on`={stop_on!r} is not known; choose one of {', '.join(STOPS)}")
    if stop_on == "training" and has_validation:
        raise UserError("`stop_on`='training' takes no `validation_data`; leave one of them out.")
    if patience is None:
        if stop_on == "training":
            raise UserError(
                "`stop_on`='training' needs a `patience`, which watches the loss; give one, such as 50."
            )
        return None
    if stop_on == "validation" and not has_validation:
        raise UserError("`patience` needs `validation_data`, or `stop_on`='training'; give one of them.")
    return check_count("patience", patience)


def _keep_best(model: VAE, best: BestPass, history: keras.callbacks.History) -> None:
    """Gives the model the weights of the best pass, and tells the history of all passes."""
    if best.best_epoch == 0:
        what = "the bound of `validation_data`" if isinstance(best, Validation) else "the training loss"
        raise UserError(
            f"{what} was not finite after any pass, so none is the best; give other data, or {model.remedy()}."
        )
    best.restore()
    history.best_epoch = best.best_epoch
    if isinstance(best, Validation):
        history.val_losses = best.losses
    else:
        history.training_losses = best.losses


def fit_variance(
    model: VAE,
    inputs: np.ndarray,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] | None = (),
    verbose: int = 1,
    checkpoint: TrainingCheckpoint | None = None,
    drop_remainder: bool = False,
) -> keras.callbacks.History:
    """Second stage: places the precision's features on the posterior means, then trains its weights alone.

    The weights start where the evidence lower bound is highest for samples of the posterior (closed form for
    a mixture, per-feature residuals for basis functions).

    Args:
      model: a trained model whose decoder has a `precision`; afterwards the decoder uses it, and
        the precision's weights are the only trainable ones.
      inputs: `[n, D]` float32 data; of `StoredRows` each step reads its samples.
      epochs: passes over the data.
      batch_size: samples of a step.
      learning_rate: Adam's step size.
      seed: seed of the placement and of the order of the samples.
      callbacks: Keras callbacks.
      verbose: as in `keras.Model.fit`.
      checkpoint: as in `fit`.
      drop_remainder: as in `fit`.

    Returns:
      Keras' history, one value per round.

    Raises:
      ValueError: if the decoder has no `precision`.
      UserError: as in `fit`; the model is then as it was, unless training had begun.
    """
    decoder = model.decoder
    precision = getattr(decoder, "precision", None)
    if precision is None:
        raise ValueError("`model.decoder.precision` is None: there is no variance to fit")
    # What `fit` would refuse, before the model is changed.
    epochs, batch_size = check_count("epochs", epochs), check_count("batch_size", batch_size)
    callbacks = check_callbacks(callbacks)
    inputs = _check_inputs(inputs)
    model.before_training(inputs)
    means = batched(lambda x: model.encoder(x)[0], inputs)
    stddevs = batched(lambda x: model.encoder(x)[1], inputs)
    precision.fit_features(means, derive_integer(seed, "features"))
    # Few data get several samples each, so that the start does not hang on single draws.
    samples = np.tile(np.arange(len(inputs)), -(-MIN_START_SAMPLES // len(inputs)))
    if isinstance(inputs, StoredRows) and len(samples) > MAX_START_SAMPLES:
        samples = np.sort(generator(seed, "start").choice(samples, MAX_START_SAMPLES, replace=False))
    noise = generator(seed, "residuals").standard_normal([len(samples), means.shape[1]], np.float32)
    latents = means[samples] + stddevs[samples] * noise
    residuals = inputs[samples] - batched(decoder.mean_network, latents)
    precision.initialize_scale(latents, np.square(residuals))
    decoder.uses_precision = True
    model.encoder.trainable = False
    decoder.mean_network.trainable = False
    return fit(
        model,
        inputs,
        epochs,
        batch_size,
        learning_rate,
        seed,
        callbacks,
        verbose,
        checkpoint,
        drop_remainder=drop_remainder,
    )


def _choose_passes(passes: int | None, epochs: int, most: int) -> int:
    """How many passes make a round: as asked, or the largest divisor that is not above `most`."""
    if passes is None:
        return _largest_divisor(epochs, most)
    if epochs % check_count("passes_per_round", passes):
        *others, last = [str(divisor) for divisor in range(1, epochs + 1) if epochs % divisor == 0]
        accepted = f"{', '.join(others)} or {last}" if others else last
        raise UserError(f"`passes_per_round`={passes} does not divide `epochs`={epochs}; give {accepted}")
    return passes


def _largest_divisor(number: int, limit: int) -> int:
    """The largest divisor of `number` that is not above `limit`."""
    return max(divisor for divisor in range(1, min(number, limit) + 1) if number % divisor == 0)
