"""Training by several replicas ends where one process ends, up to the rounding of sums."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models.replica_cases import KINDS, cluster_of, free_ports
from tests.models.tiny import DATA_DIM, LATENT_DIM, make_data, make_flow_model, make_vae
from tests.processes import Program
from tfgeo.errors import UserError
from tfgeo.layers import MLP
from tfgeo.models import IWAE, VAE, BernoulliDecoder, GaussianEncoder, fit
from tfgeo.models.replicas import Replicas
from tfgeo.models.shares import Share, normal, sample, split

# Gradients are summed in another order: a few last digits of float32, which Adam passes on as they are in 12 steps.
TOLERANCE = 5e-6
# Seconds that a process may take on a machine that others use.
LONGEST = 300


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Weights and logs by training: without a strategy, on two devices, and in two processes."""
    folder = tmp_path_factory.mktemp("replicas")
    jobs = [("mirrored", {}), *(("multi_worker", {"TF_CONFIG": text}) for text in cluster_of(free_ports(2)))]
    processes = [
        Program("tests.models.replica_cases", what, folder, env={"TF_CPP_MIN_LOG_LEVEL": "3"} | more)
        for what, more in jobs
    ]
    for process in processes:
        _, errors = process.communicate(timeout=LONGEST)
        assert process.returncode == 0, errors
    return {path.stem: dict(np.load(path)) for path in folder.glob("*.npz")}


def assert_same(one, other):
    assert one.keys() == other.keys() and len(one) > 3
    for name in one:
        np.testing.assert_allclose(other[name], one[name], rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_two_devices_end_where_one_does(found, kind):
    assert_same(found[kind], found[f"{kind}_two"])


def test_one_device_ends_where_none_is_named(found):
    assert_same(found["vae"], found["vae_one"])


def test_early_stopping_and_shortened_gradients_are_those_of_one_process(found):
    assert_same(found["vae_watched"], found["vae_watched_two"])


def test_two_processes_end_where_one_does_and_have_the_same_metric(found):
    """Centroids and factors are among the weights."""
    assert_same(found["rhvae"], found["rhvae_worker0"])
    first, second = found["rhvae_worker0"], found["rhvae_worker1"]
    assert all(np.array_equal(first[name], second[name]) for name in first)


def shares_of(seed, sizes):
    """The shares of a batch, with the rows of each."""
    total, first = sum(sizes), 0
    for size in sizes:
        yield slice(first, first + size), Share(seed, tf.constant(first), tf.constant(total), total)
        first += size


@pytest.mark.parametrize("sizes", [(5, 5), (3, 4, 3), (0, 10), (10,)])
@pytest.mark.parametrize("samples", [(), (4,)])
def test_shares_have_the_noise_of_the_batch(sizes, samples):
    seed, posterior = np.array([3, 4], np.int32), make_vae(None).encode(make_data(10))
    whole = posterior.sample(samples, seed=seed)
    noise = [normal(tf.shape(whole), part, tf.float32) for part in split(seed, 2)]
    for rows, share in shares_of(seed, sizes):
        found = sample(posterior[rows], samples, share)
        np.testing.assert_allclose(found, whole[..., rows, :], rtol=1e-6)
        for part, expected in zip(split(share, 2), noise, strict=True):
            shape = (*samples, rows.stop - rows.start, LATENT_DIM)
            np.testing.assert_array_equal(normal(tf.constant(shape), part, tf.float32), expected[..., rows, :])


@pytest.mark.parametrize("kind", ["vae", "iwae", "hvae"])
def test_terms_of_shares_are_those_of_the_batch(kind):
    model = {
        "vae": lambda: make_vae(None),
        "iwae": lambda: make_vae(None, model_class=lambda encoder, decoder, _: IWAE(encoder, decoder, 4)),
        "hvae": lambda: make_flow_model("hvae", num_steps=1),
    }[kind]()
    x, seed = make_data(10), np.array([1, 2], np.int32)
    whole = model.elbo_terms(x, seed)
    for rows, share in shares_of(seed, (3, 7)):
        for part, expected in zip(model.elbo_terms(x[rows], share), whole, strict=True):
            np.testing.assert_allclose(part, expected[rows], rtol=1e-5, atol=1e-5)


def test_a_model_without_a_strategy_is_no_replica():
    assert Replicas.of(make_vae(None)) is None


def test_a_model_must_be_built_where_it_is_trained():
    model = make_vae(None)
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope(), pytest.raises(UserError, match=r"build it in `with"):
        fit(model, make_data(10), 1, 10, 1e-3, verbose=0)


def test_a_model_that_is_not_built_yet_trains_and_its_file_loads(tmp_path):
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = VAE(GaussianEncoder(2, [5], "tanh"), BernoulliDecoder(MLP([5], "tanh", DATA_DIM)))
    fit(model, make_data(10), 1, 10, 1e-3, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.encode(make_data(3)).mean(), model.encode(make_data(3)).mean())


def test_a_strategy_that_does_not_mirror_weights_is_refused():
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        model = make_vae(None)
    with pytest.raises(UserError, match=r"OneDeviceStrategy; take tf\.distribute\.MirroredStrategy"):
        fit(model, make_data(10), 1, 10, 1e-3, verbose=0)
