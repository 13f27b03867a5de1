"""Callbacks of Keras go through training as through `keras.Model.fit`, under names that stay."""

import csv
import json

import keras
import numpy as np
import pytest

from tests.models.tiny import assert_same_values, make_data, make_flow_model, make_vae, weights_of
from tfgeo.errors import UserError
from tfgeo.models import METRIC_NAMES, fit, fit_variance

X, HELD_OUT = make_data(60), make_data(20, seed=1)


def train(callbacks=(), epochs=6, model=None, **settings):
    """A model and its history; each Keras epoch is one pass."""
    model = model or make_vae(None)
    settings = {"validation_data": HELD_OUT, "passes_per_round": 1} | settings
    return model, fit(model, X, epochs, 20, 1e-2, callbacks=callbacks, verbose=0, **settings)


class Spy(keras.callbacks.Callback):
    """Keeps what Keras tells it."""

    def __init__(self):
        super().__init__()
        self.calls, self.logs = [], []

    def on_train_begin(self, logs=None):
        self.calls.append("begin")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(epoch)
        self.logs.append(dict(logs))

    def on_train_end(self, logs=None):
        self.calls.append("end")


@pytest.mark.parametrize("kind", ["vae", "hvae", "rhvae"])
def test_the_names_of_metrics_are_those_that_are_promised(kind):
    spy = Spy()
    _, history = train([spy], 2, None if kind == "vae" else make_flow_model(kind))
    own = {"skipped_steps"} if kind != "vae" else set()
    assert (
        set(history.history) == set(spy.logs[-1]) == {"loss", "reconstruction", "kl_divergence", "val_loss"} | own
    )
    assert set(METRIC_NAMES) == {"loss", "reconstruction", "kl_divergence", "val_loss", "skipped_steps"}
    assert spy.calls == ["begin", 0, 1, "end"]
    for logs in spy.logs:
        np.testing.assert_allclose(logs["loss"], logs["reconstruction"] + logs["kl_divergence"], rtol=1e-5)
        assert all(isinstance(value, (float, int)) for value in logs.values())


def test_a_round_is_as_many_passes_as_asked_and_changes_no_bit():
    models = []
    for passes, rounds in ((1, 6), (3, 2), (None, 1)):
        spy = Spy()
        model, _ = train([spy], passes_per_round=passes)
        assert len(spy.logs) == rounds
        models.append(model)
    assert_same_values(*models)
    with pytest.raises(UserError, match="`passes_per_round`=4 does not divide `epochs`=6; give 1, 2, 3 or 6"):
        train(passes_per_round=4)


def test_early_stopping_sees_the_bound_of_the_validation_data():
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=1e6, patience=2)
    _, history = train([stop], 20)
    assert len(history.history["val_loss"]) == 3 == stop.stopped_epoch + 1


def test_learning_rates_may_be_scheduled():
    rates = []
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 1e-2 / (1 + epoch))
    read = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: rates.append(float(np.asarray(schedule.model.optimizer.learning_rate)))
    )
    _, history = train([schedule, read], 3)
    np.testing.assert_allclose(rates, [1e-2, 5e-3, 1e-2 / 3], rtol=1e-6)
    np.testing.assert_allclose(history.history["learning_rate"], rates, rtol=1e-6)
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", min_delta=1e6, factor=0.1, patience=1)
    model, _ = train([plateau], 4)
    assert float(np.asarray(model.optimizer.learning_rate)) < 1e-3


def test_weights_are_saved_where_the_bound_was_best(tmp_path):
    path = tmp_path / "best.weights.h5"
    save = keras.callbacks.ModelCheckpoint(path, monitor="val_loss", save_best_only=True, save_weights_only=True)
    model, history = train([save], 8)
    saved = make_vae(None, seed=5)
    saved.load_weights(path)
    for one, other in zip(weights_of(saved).values(), weights_of(model).values(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert history.best_epoch == 1 + int(np.argmin(history.history["val_loss"]))


def test_a_whole_model_is_saved_and_loaded(tmp_path):
    path = tmp_path / "last.keras"
    model, _ = train([keras.callbacks.ModelCheckpoint(path)], 2, validation_data=None)
    loaded = keras.saving.load_model(path)
    np.testing.assert_array_equal(loaded.encode(X).mean(), model.encode(X).mean())


def test_files_of_other_callbacks_have_the_promised_names(tmp_path):
    log, board = tmp_path / "log.csv", tmp_path / "board"
    train([keras.callbacks.CSVLogger(log), keras.callbacks.TensorBoard(board, histogram_freq=1),
           keras.callbacks.TerminateOnNaN(), keras.callbacks.BackupAndRestore(tmp_path / "backup")], 3)  # fmt: skip
    rows = list(csv.DictReader(log.open(encoding="utf-8")))
    assert len(rows) == 3 and {"epoch", "loss", "reconstruction", "kl_divergence", "val_loss"} == set(rows[0])
    # Event files hold names as they are.
    events = b"".join(path.read_bytes() for path in board.rglob("events*"))
    assert b"epoch_loss" in events and b"epoch_kl_divergence" in events
    assert json.loads(json.dumps(rows[0]))


def test_both_stages_take_callbacks():
    model, spy = make_vae("gmm"), Spy()
    fit(model, X, 2, 20, 1e-2, callbacks=[spy], verbose=0)
    fit_variance(model, X, 2, 20, 1e-2, callbacks=[spy], verbose=0)
    assert [call for call in spy.calls if isinstance(call, str)] == ["begin", "end"] * 2


@pytest.mark.parametrize(
    ("callbacks", "words"),
    [
        (Spy(), "must be a list of Keras callbacks, got Spy; give \\[Spy\\(...\\)\\]"),
        ([Spy], "`callbacks`\\[0\\] is the class Spy; give one of it, Spy\\(...\\)"),
        ([Spy(), print], "`callbacks`\\[1\\] is no Keras callback but .*print.*LambdaCallback"),
    ],
)
def test_what_is_no_callback_is_refused_before_training(callbacks, words):
    with pytest.raises(UserError, match=words):
        train(callbacks)
