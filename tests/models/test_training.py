"""Tests of two-stage training: exact passes, stateless order, what moves in which stage, what stops it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models.tiny import DATA_DIM, StubVAE, assert_same_bits, make_data, make_flow_model, make_vae, weights_of
from tfgeo.errors import UserError
from tfgeo.models import fit, fit_variance


def recorded_batches(num, epochs, batch_size, seed=0, **settings):
    """The row numbers of each step that a training saw; row i of the data is [i, i, i] / num."""
    x = np.repeat(np.arange(num, dtype=np.float32)[:, None] / num, DATA_DIM, axis=1)
    model = make_vae(None, model_class=StubVAE)
    fit(model, x, epochs, batch_size, 1e-3, seed, verbose=0, **settings)
    return [np.round(batch[:, 0] * num).astype(int) for batch in model.batches], model


# Samples, epochs, batch size: a part batch; one batch of all; passes that 50 steps do not divide; more than 50
# steps in a pass, of a number that 50 does not divide; the same, prime.
SCHEDULES = [(30, 5, 7), (10, 60, 100), (10, 53, 10), (120, 2, 2), (106, 2, 2)]


@pytest.mark.filterwarnings("error:Your input ran out of data")
@pytest.mark.parametrize("drop_remainder", [False, True])
@pytest.mark.parametrize(("num", "epochs", "batch_size"), SCHEDULES)
def test_every_pass_takes_each_sample_once_and_there_are_as_many_as_asked(num, epochs, batch_size, drop_remainder):
    batches, model = recorded_batches(num, epochs, batch_size, drop_remainder=drop_remainder)
    size = min(num, batch_size)
    rest = 0 if drop_remainder else num % size
    sizes = [size] * (num // size) + [rest] * (rest > 0)
    assert [len(batch) for batch in batches] == sizes * epochs
    assert int(model.optimizer.iterations) == epochs * len(sizes)
    passes = np.concatenate(batches).reshape(epochs, sum(sizes))
    assert all(len(set(each)) == sum(sizes) for each in passes)
    assert len({tuple(each) for each in passes}) == epochs


def test_order_depends_on_seed_and_pass_alone():
    rows, _ = recorded_batches(30, 4, 10)
    np.random.seed(5)
    tf.random.set_seed(5)
    longer, _ = recorded_batches(30, 6, 10)
    np.testing.assert_array_equal(longer[: len(rows)], rows)
    assert not np.array_equal(recorded_batches(30, 4, 10, seed=1)[0], rows)


def test_a_learned_metric_trains_on_the_remainder():
    model = make_flow_model("rhvae")
    history = fit(model, make_data(20), 3, 8, 1e-3, verbose=0)
    assert int(model.optimizer.iterations) == 9
    assert np.isfinite(history.history["loss"]).all()


def loss_of_step(step, seed):
    """The loss that step number `step` sees before its update."""
    model = make_vae(None)
    model.seed = seed
    model.compile("adam", run_eagerly=True)
    model.optimizer.build(model.trainable_variables)
    model.optimizer.iterations.assign(step)
    return float(model.train_step(tf.constant(make_data(30)))["loss"])


def test_noise_depends_on_seed_and_step_alone():
    arguments = [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1)]
    losses = [loss_of_step(*each) for each in arguments]
    assert len(set(losses)) == len(arguments)
    assert [loss_of_step(*each) for each in arguments[:0:-2]] == losses[:0:-2]


def test_training_raises_the_lower_bound():
    model, x = make_vae(None), make_data(60)
    before = np.mean(model.elbo(x))
    losses = fit(model, x, 200, 60, 1e-2, verbose=0).history["loss"]
    assert len(losses) == 4 and losses[-1] < losses[0]
    assert np.mean(model.elbo(x)) > before + 1.0


@pytest.mark.parametrize("kind", ["gmm", "rbf"])
def test_second_stage_moves_the_output_weights_alone(kind):
    model, x = make_vae(kind), make_data(60)
    before, at_start = weights_of(model), {}

    class Keep(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            at_start.update(weights_of(self.model))

    fit_variance(model, x, 10, 20, 1e-2, callbacks=[Keep()], verbose=0)
    after = weights_of(model)
    in_precision = [path for path in after if "precision" in path]
    assert len(in_precision) == {"gmm": 4, "rbf": 3}[kind]
    for path in after:
        moved = not np.array_equal(at_start[path], after[path])
        assert moved == path.endswith("log_scale"), path
        if path not in in_precision:
            np.testing.assert_array_equal(before[path], after[path], err_msg=path)
    assert len(model.trainable_variables) == 1 and model.decoder.uses_precision


@pytest.mark.parametrize("kind", [None, "bernoulli"])
def test_a_variance_needs_a_precision(kind):
    with pytest.raises(ValueError, match="precision"):
        fit_variance(make_vae(kind), make_data(10), 1, 10, 1e-2, verbose=0)


def test_too_few_samples_for_the_precision_leave_the_model_as_it_was():
    model = make_vae("gmm")
    before, trainable = weights_of(model), len(model.trainable_variables)
    with pytest.raises(UserError, match="num_components"):
        fit_variance(model, make_data(1), 1, 10, 1e-2, verbose=0)
    assert_same_bits(before, weights_of(model))
    assert len(model.trainable_variables) == trainable and not model.decoder.uses_precision


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"batch_size": 0}, {"callbacks": [print]}, {"inputs": np.full([10, DATA_DIM], np.nan)}]
)
def test_what_is_refused_leaves_the_model_as_it_was(wrong):
    model = make_vae("gmm")
    before, trainable = weights_of(model), len(model.trainable_variables)
    settings = {"inputs": make_data(10), "epochs": 1, "batch_size": 10, "learning_rate": 1e-2, "verbose": 0}
    with pytest.raises(UserError, match=next(iter(wrong))):
        fit_variance(model, **settings | wrong)
    assert_same_bits(before, weights_of(model))
    assert len(model.trainable_variables) == trainable and not model.decoder.uses_precision


def test_no_callbacks_are_none_as_for_keras():
    model = make_vae("gmm")
    fit(model, make_data(10), 1, 10, 1e-3, callbacks=None, verbose=0)
    fit_variance(model, make_data(10), 1, 10, 1e-3, callbacks=None, verbose=0)
    assert model.decoder.uses_precision


def test_a_loss_that_is_not_finite_stops_with_the_round_and_the_term():
    class Break(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.encoder.mean.bias.assign([np.nan, 0.0])

    with pytest.raises(UserError, match=r"round 3.*loss") as caught:
        fit(make_vae(None), make_data(100), 5, 2, 1e-3, callbacks=[Break()], verbose=0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("epochs", "batch_size"), [(0, 10), (-1, 10), (1, 0), (1.5, 10)])
def test_wrong_counts_are_refused(epochs, batch_size):
    with pytest.raises(UserError, match=r"`epochs`|`batch_size`"):
        fit(make_vae(None), make_data(10), epochs, batch_size, 1e-3, verbose=0)


@pytest.mark.parametrize("gradient_norm", [0.0, -1.0, np.nan])
def test_wrong_limits_of_the_gradient_are_refused(gradient_norm):
    with pytest.raises(UserError, match="`gradient_norm`"):
        fit(make_vae(None), make_data(10), 1, 10, 1e-3, verbose=0, gradient_norm=gradient_norm)


def test_a_step_takes_no_more_of_a_gradient_than_its_limit():
    """After one step Adam's momenta are a tenth of the gradient that it was given, all weights together."""
    model = make_vae(None)
    fit(model, make_data(10), 1, 10, 1e-3, verbose=0, gradient_norm=1e-2)
    np.testing.assert_allclose(10.0 * tf.linalg.global_norm(model.optimizer._momentums), 1e-2, rtol=1e-4)


def test_a_bernoulli_decoder_refuses_bytes_before_training():
    with pytest.raises(UserError, match=r"run from .* to .*\[0, 1\]; rescale"):
        fit(make_vae("bernoulli"), 255.0 * make_data(4), 1, 4, 1e-3, verbose=0)


def test_callbacks_can_stop_training():
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    model = make_vae(None, model_class=StubVAE)
    history = fit(model, make_data(100), 5, 2, 1e-3, callbacks=[Stop()], verbose=0)
    assert len(history.history["loss"]) == 2
