"""Tests of validation inside the compiled step: its losses, early stopping, the weights that are kept, resuming."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfgeo.models.validation
from tests.models.tiny import Interrupt, assert_same_bits, assert_same_values, make_data, make_vae, weights_of
from tfgeo.checkpoints import TrainingCheckpoint
from tfgeo.errors import UserError
from tfgeo.layers import MLP
from tfgeo.models import VAE, BernoulliDecoder, GaussianEncoder, fit
from tfgeo.models.validation import Validation
from tfgeo.randomness import derive_seed

TRAIN, HELD_OUT = make_data(20), make_data(15, seed=1)


def loss_of(model, seed=0):
    """The validation loss of the model as it is, outside of the compiled loop."""
    block_seed = tf.random.experimental.stateless_fold_in(derive_seed(seed, "validation"), 0)
    log_likelihood, divergence = model.terms_given(tf.constant(TRAIN))(tf.constant(HELD_OUT), block_seed)
    return float(np.mean(divergence - log_likelihood))


class LossOfEveryPass(keras.callbacks.Callback):
    """Computes it in Python; for rounds of one pass."""

    def __init__(self):
        super().__init__()
        self.losses, self.weights = [], []

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(loss_of(self.model))
        self.weights.append(weights_of(self.model))


def test_losses_and_kept_weights_are_those_of_python(monkeypatch):
    monkeypatch.setattr(tfgeo.models.training, "STEPS_PER_ROUND", 2)
    model, watcher = make_vae(None), LossOfEveryPass()
    # A rate at which the loss goes up and down.
    history = fit(model, TRAIN, 12, 10, 0.4, callbacks=[watcher], verbose=0, validation_data=HELD_OUT)
    np.testing.assert_allclose(history.val_losses, watcher.losses, rtol=1e-5)
    np.testing.assert_allclose(history.history["val_loss"], watcher.losses, rtol=1e-5)
    best = int(np.argmin(watcher.losses))
    assert history.best_epoch == best + 1 and best < 11
    assert_same_bits(watcher.weights[best], weights_of(model))
    assert np.diff(watcher.losses).max() > 0.0
    # Validation does not change the training.
    alone = LossOfEveryPass()
    fit(make_vae(None), TRAIN, 12, 10, 0.4, callbacks=[alone], verbose=0)
    assert alone.losses == watcher.losses


def test_an_interrupted_training_ends_with_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(tfgeo.models.training, "STEPS_PER_ROUND", 8)
    arguments = {"verbose": 0, "validation_data": HELD_OUT, "patience": 5}
    whole = make_vae(None)
    expected = fit(whole, TRAIN, 20, 10, 0.4, **arguments)
    assert 4 < len(expected.val_losses) < 20
    path = tmp_path / "state.npz"
    with pytest.raises(KeyboardInterrupt):
        fit(
            make_vae(None), TRAIN, 20, 10, 0.4, callbacks=[Interrupt(1)],
            checkpoint=TrainingCheckpoint(path, 0), **arguments,
        )  # fmt: skip
    for _ in range(2):  # the second time all is done already
        model = make_vae(None, seed=1)
        model.seed = 0
        history = fit(model, TRAIN, 20, 10, 0.4, checkpoint=TrainingCheckpoint(path, 0), **arguments)
        assert_same_values(whole, model)
        np.testing.assert_array_equal(history.val_losses, expected.val_losses)
        assert history.best_epoch == expected.best_epoch


class LossOfEveryStep(keras.callbacks.Callback):
    """Keeps Keras' own mean loss of every round, and the weights after it; for rounds of one pass."""

    def __init__(self):
        super().__init__()
        self.losses, self.weights = [], []

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs["loss"])
        self.weights.append(weights_of(self.model))


def test_training_stops_on_its_own_loss(monkeypatch):
    monkeypatch.setattr(tfgeo.models.training, "STEPS_PER_ROUND", 2)
    model, watcher = make_vae(None), LossOfEveryStep()
    settings = {"verbose": 0, "patience": 4, "stop_on": "training"}
    history = fit(model, TRAIN, 60, 10, 0.4, callbacks=[watcher], **settings)
    np.testing.assert_allclose(history.training_losses, watcher.losses, rtol=1e-5)
    best = int(np.argmin(watcher.losses))
    assert history.best_epoch == best + 1 and len(watcher.losses) == best + 5 < 60
    assert_same_bits(watcher.weights[best], weights_of(model))
    assert "val_loss" not in history.history


def break_at(model, epoch):
    """Makes a weight NaN when a round begins."""
    weight = model.trainable_variables[0]

    def begin(now, logs=None):
        if now == epoch:
            weight.assign(np.full(weight.shape, np.nan))

    return keras.callbacks.LambdaCallback(on_epoch_begin=begin)


def break_late(model):
    """Makes a weight NaN at the end of the last step of a round in which patience has run out."""

    class Break(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 39:
                model.trainable_variables[0].assign(np.full(model.trainable_variables[0].shape, np.nan))

    return Break()


@pytest.mark.parametrize("watched", [{"stop_on": "training"}, {"validation_data": HELD_OUT}])
def test_a_training_that_breaks_late_ends_with_its_best_pass(monkeypatch, watched):
    monkeypatch.setattr(tfgeo.models.training, "STEPS_PER_ROUND", 2)
    expected = make_vae(None)
    history = fit(expected, TRAIN, 8, 10, 0.01, verbose=0, patience=3, **watched)
    assert history.best_epoch == 8 and not history.diverged
    model = make_vae(None)
    with pytest.warns(UserWarning, match=r"round 9: not finite: .*weights; .*the weights of pass 8, the best one"):
        history = fit(model, TRAIN, 60, 10, 0.01, callbacks=[break_at(model, 8)], verbose=0, patience=3, **watched)
    assert history.best_epoch == 8 and history.diverged and len(history.epoch) == 9
    assert_same_values(expected, model)
    # Of three passes nobody knows whether they were enough.
    model = make_vae(None)
    with pytest.raises(UserError, match="round 4: not finite"):
        fit(model, TRAIN, 60, 10, 0.01, callbacks=[break_at(model, 3)], verbose=0, patience=3, **watched)


def test_what_breaks_after_patience_ran_out_is_no_divergence(monkeypatch, recwarn):
    """Whether the two fall into one round depends on nothing that is learned."""
    kept = []
    for steps_per_round in (2, 40):
        monkeypatch.setattr(tfgeo.models.training, "STEPS_PER_ROUND", steps_per_round)
        model = make_vae(None)
        # A rate at which an early pass stays the best.
        history = fit(
            model, TRAIN, 20, 10, 3.0, verbose=0, patience=3, stop_on="training", callbacks=[break_late(model)]
        )
        assert not history.diverged
        kept.append((history.best_epoch, model))
    assert kept[0][0] == kept[1][0]
    assert_same_values(kept[0][1], kept[1][1])
    assert not [warning for warning in recwarn if "not finite" in str(warning.message)]


@pytest.mark.parametrize("watched", [{"stop_on": "training"}, {"validation_data": HELD_OUT}])
def test_passes_without_a_loss_are_no_patience(monkeypatch, watched):
    """They count for it, within a round that broke where it began."""
    monkeypatch.setattr(tfgeo.models.training, "STEPS_PER_ROUND", 40)
    model = make_vae(None)
    with pytest.warns(UserWarning, match=r"round 2: not finite: .*; the weights of pass .*, the best one"):
        history = fit(model, TRAIN, 60, 10, 0.01, callbacks=[break_at(model, 1)], verbose=0, patience=8, **watched)
    assert history.diverged and 8 < history.best_epoch <= 20
    model = make_vae(None)
    with pytest.raises(UserError, match="round 2: not finite"):
        fit(model, TRAIN, 60, 10, 0.01, callbacks=[break_at(model, 1)], verbose=0, patience=20, **watched)


def test_a_checkpoint_knows_that_a_training_broke(tmp_path, monkeypatch):
    monkeypatch.setattr(tfgeo.models.training, "STEPS_PER_ROUND", 2)
    settings = {"verbose": 0, "patience": 3, "stop_on": "training"}
    state = tmp_path / "state.npz"
    model, again = make_vae(None), make_vae(None, seed=1)
    with pytest.warns(UserWarning, match="the weights of pass 8"):
        fit(
            model,
            TRAIN,
            60,
            10,
            0.01,
            callbacks=[break_at(model, 8)],
            checkpoint=TrainingCheckpoint(state, 0),
            **settings,
        )
    history = fit(again, TRAIN, 60, 10, 0.01, checkpoint=TrainingCheckpoint(state, 0), **settings)
    assert history.diverged and history.best_epoch == 8 and len(history.training_losses) == 9
    assert_same_values(model, again)


def test_an_interrupted_training_that_watches_itself_ends_with_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(tfgeo.models.training, "STEPS_PER_ROUND", 3)
    arguments = {"verbose": 0, "patience": 4, "stop_on": "training"}
    whole = make_vae(None)
    expected = fit(whole, TRAIN, 30, 10, 0.4, **arguments)
    state = tmp_path / "state.npz"
    with pytest.raises(KeyboardInterrupt):
        fit(
            make_vae(None), TRAIN, 30, 10, 0.4, callbacks=[Interrupt(2)],
            checkpoint=TrainingCheckpoint(state, 0), **arguments,
        )  # fmt: skip
    model = make_vae(None, seed=1)
    model.seed = 0
    history = fit(model, TRAIN, 30, 10, 0.4, checkpoint=TrainingCheckpoint(state, 0), **arguments)
    assert_same_values(whole, model)
    np.testing.assert_array_equal(history.training_losses, expected.training_losses)


def test_large_held_out_data_are_taken_in_blocks(monkeypatch):
    monkeypatch.setattr(tfgeo.models.validation, "BLOCK_SIZE", 4)
    model, seeds = make_vae(None), []
    model.compile("adam")

    def terms(x, seed):
        seeds.append(seed)
        return tf.reduce_sum(x, axis=-1), tf.zeros(len(x))

    monkeypatch.setattr(model, "terms_given", lambda inputs: terms)
    for num, num_calls in ((15, 2), (12, 1), (3, 1)):
        seeds.clear()
        validation = Validation(model, tf.constant(TRAIN), tf.constant(HELD_OUT[:num]), 2, 5, None, 0)
        loss = tf.function(validation._loss)()
        np.testing.assert_allclose(loss, -np.mean(np.sum(HELD_OUT[:num], axis=-1)), rtol=1e-5)
        assert len(seeds) == num_calls


def test_without_a_finite_pass_it_says_so():
    model = make_vae(None)
    held_out = np.full_like(HELD_OUT, 1e30)
    with pytest.raises(UserError, match="validation_data"):
        fit(model, TRAIN, 2, 10, 1e-3, verbose=0, validation_data=held_out)


def test_a_model_need_not_be_built():
    model = VAE(GaussianEncoder(2, [5], "tanh"), BernoulliDecoder(MLP([5], "tanh", 3)))
    assert not model.weights
    history = fit(model, TRAIN, 2, 10, 1e-3, verbose=0, validation_data=HELD_OUT)
    assert history.best_epoch in (1, 2) and np.isfinite(history.val_losses).all()


def test_wrong_arguments_are_refused():
    model = make_vae(None)
    with pytest.raises(UserError, match="`inputs` has 1 of 60 values that are not finite"):
        fit(model, np.where(np.arange(60).reshape(20, 3) == 7, np.nan, TRAIN), 2, 10, 1e-3, verbose=0)
    with pytest.raises(UserError, match="validation_data"):
        fit(model, TRAIN, 2, 10, 1e-3, verbose=0, patience=3)
    with pytest.raises(UserError, match="columns"):
        fit(model, TRAIN, 2, 10, 1e-3, verbose=0, validation_data=HELD_OUT[:, :2])
    with pytest.raises(UserError, match="patience"):
        fit(model, TRAIN, 2, 10, 1e-3, verbose=0, validation_data=HELD_OUT, patience=0)
    with pytest.raises(UserError, match="`stop_on`='loss' is not known"):
        fit(model, TRAIN, 2, 10, 1e-3, verbose=0, patience=3, stop_on="loss")
    with pytest.raises(UserError, match="`stop_on`='training' needs a `patience`"):
        fit(model, TRAIN, 2, 10, 1e-3, verbose=0, stop_on="training")
    with pytest.raises(UserError, match="takes no `validation_data`"):
        fit(model, TRAIN, 2, 10, 1e-3, verbose=0, patience=3, stop_on="training", validation_data=HELD_OUT)
    with pytest.raises(UserError, match=r"`validation_data` run from .* to 1.5"):
        fit(
            make_vae("bernoulli"),
            TRAIN,
            2,
            10,
            1e-3,
            verbose=0,
            validation_data=np.where(HELD_OUT > 0.9, 1.5, HELD_OUT),
        )
