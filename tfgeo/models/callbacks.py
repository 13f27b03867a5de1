"""Callbacks of training: what they are told, which are refused, and the one that ends a training that broke."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from tfgeo.errors import UserError
from tfgeo.models.validation import BestPass

__all__ = ["METRIC_NAMES", "StopOnNonFiniteLoss", "check_callbacks"]

# Names under which callbacks, histories, logs and TensorBoard know what training measures. They stay as they are.
METRIC_NAMES = MappingProxyType(
    {
        "loss": "mean negative bound of the round's training steps, in nats: reconstruction + kl_divergence",
        "reconstruction": "its part -log p(x | z), for flows with what belongs to it at both ends",
        "kl_divergence": "its part log q(z | x) - log p(z)",
        "val_loss": "negative bound of the validation data after the round's last pass; where there are some",
        "skipped_steps": "steps of the round whose gradient was not finite and was left out; of flows alone",
    }
)

# A step that is left out now and then does no harm; where so many of a round are, nothing is learned.
MAX_SKIPPED_SHARE = 0.5


def check_callbacks(callbacks: Any) -> Sequence[keras.callbacks.Callback]:
    """Refuses what is no list of callbacks before anything is trained; None is none, as for Keras."""
    if callbacks is None:
        return ()
    if isinstance(callbacks, keras.callbacks.Callback) or not isinstance(callbacks, Sequence):
        name = type(callbacks).__name__
        raise UserError(f"`callbacks` must be a list of Keras callbacks, got {name}; give [{name}(...)]")
    for index, callback in enumerate(callbacks):
        if inspect.isclass(callback) and issubclass(callback, keras.callbacks.Callback):
            name = callback.__name__
            raise UserError(f"`callbacks`[{index}] is the class {name}; give one of it, {name}(...)")
        if not isinstance(callback, keras.callbacks.Callback):
            raise UserError(
                f"`callbacks`[{index}] is no Keras callback but {callback!r}; give a function as "
                "keras.callbacks.LambdaCallback(on_epoch_end=...)"
            )
    return callbacks


class StopOnNonFiniteLoss(keras.callbacks.Callback):
    """Ends training at the first round whose loss is not finite, naming the terms that broke.

    The loss of a step is computed before its update, so the weights are looked at too: else a checkpoint of
    weights that the last step of a round broke would be kept.

    Where the weights of a best pass are kept, and it comes after more passes than `patience`, it is taken for the
    end of the training, with a warning; other callbacks see its weights. Where patience ran out before something
    broke in the same round, nothing is lost and nothing said.

    Args:
      best: keeps the weights of the best pass; None keeps no pass.
      patience: how many passes without a better one end the training; None is no end but an error.
    """

    def __init__(self, best: BestPass | None = None, patience: int | None = None) -> None:
        super().__init__()
        self._best = best
        self._patience = patience

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        broken = [name for name, value in (logs or {}).items() if not np.isfinite(value)]
        if not all(np.isfinite(weight).all() for weight in self.model.weights):
            broken.append("weights")
        if self.model.share_of_skipped_steps >= MAX_SKIPPED_SHARE:
            broken.append("the gradients of most steps")
        if not broken:
            return
        best = self._best if self._best is not None and self._best.is_usable else None
        if best is not None and best.ran_out_of_patience:
            best.restore()
            return
        advice = self.model.explain_divergence() or self.model.remedy()
        message = f"training stopped in round {epoch + 1}: not finite: {', '.join(broken)}; {advice}"
        if best is None or self._patience is None or best.best_epoch <= self._patience:
            raise UserError(message)
        warnings.warn(f"{message}; the weights of pass {best.best_epoch}, the best one, are kept", stacklevel=2)
        best.give_up()
