"""The small network against the decoder that it stands for: its stated errors, and geodesics with its help."""

import pickle

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import half_plane_metric, random_points
from tfgeo.errors import UserError
from tfgeo.geodesics import KNNGraph, connect
from tfgeo.manifolds import Distilled, Preconditioned, Pullback, TensorField

DIM = 4
RNG = np.random.default_rng(3)
FIRST, SECOND = RNG.normal(size=[DIM, 24]).astype(np.float32), RNG.normal(size=[24, 40]).astype(np.float32)
LATENTS = (RNG.normal(size=[400, DIM]) * [1.0, 2.0, 0.5, 1.0] + [0.0, 5.0, -3.0, 0.0]).astype(np.float32)
SETTINGS = {"num_steps": 1000, "num_samples": 4096, "hidden_units": (48, 48)}


def decode(z):
    """A smooth decoder that bends: `[n, 4]` to `[n, 40]`, values of a size of its own."""
    hidden = tf.tanh(0.4 * tf.matmul(z - [0.0, 5.0, -3.0, 0.0], tf.cast(FIRST, z.dtype)))
    return 30.0 + 100.0 * tf.tanh(0.2 * tf.matmul(hidden, tf.cast(SECOND, z.dtype)))


@pytest.fixture(scope="module")
def manifold():
    return Pullback(decode)


@pytest.fixture(scope="module")
def distilled(manifold):
    return Distilled(manifold, LATENTS, **SETTINGS)


@pytest.fixture(scope="module")
def pairs():
    # Other latents than those that were given, but none farther out.
    fresh = 0.8 * np.random.default_rng(4).normal(size=[2, 150, DIM])
    start, end = (fresh * [1.0, 2.0, 0.5, 1.0] + [0.0, 5.0, -3.0, 0.0]).astype(np.float32)
    return start, end


def test_stated_errors_are_those_of_other_latents_too(manifold, distilled, pairs):
    lines = np.linspace(*pairs, 21, axis=1)
    errors = np.abs(distilled.length(lines).numpy() / manifold.length(lines).numpy() - 1.0)
    median, high = distilled.length_error
    assert 0.0 < median < high <= 0.05
    assert np.median(errors) <= 1.5 * median
    assert np.quantile(errors, 0.95) <= 1.2 * high
    exact, ours = (m.metric_tensor(pairs[0]).numpy() for m in (manifold, distilled))
    errors = np.linalg.norm(ours - exact, axis=(1, 2)) / np.linalg.norm(exact, axis=(1, 2))
    assert np.median(errors) <= 1.5 * distilled.metric_error[0]
    v = random_points(150, DIM, low=-1.0, high=1.0).astype(np.float32)
    errors = np.abs(distilled.norm(pairs[0], v).numpy() / manifold.norm(pairs[0], v).numpy() - 1.0)
    # The directions that are measured are those of curves; any one is a little worse.
    assert np.median(errors) <= 2.0 * distilled.norm_error[0]


def test_a_graph_has_the_same_distances_on_it(manifold, distilled, pairs):
    nodes = pairs[0]
    found, exact = (
        KNNGraph(one, nodes, 6, progress=False).distances(np.arange(20), np.arange(len(nodes)))
        for one in (distilled, manifold)
    )
    apart = np.isfinite(exact) & (exact > 0.0)
    errors = np.abs(found[apart] / exact[apart] - 1.0)
    assert (np.isfinite(found) == np.isfinite(exact)).all() and apart.sum() > 1000
    assert np.median(errors) <= 1.5 * distilled.length_error[0] and errors.max() < 3.0 * distilled.length_error[1]


def test_distances_are_the_decoders_within_the_stated_error(manifold, distilled, pairs):
    exact, ours = (connect(m, *pairs) for m in (manifold, distilled))
    assert exact.converged.all() and ours.converged.all()
    errors = np.abs(ours.length / exact.length - 1.0)
    assert np.median(errors) <= 1.5 * distilled.length_error[0]
    assert np.quantile(errors, 0.95) <= 1.2 * distilled.length_error[1]
    # Its curves are nearly as short in the metric that they stand for.
    measured = manifold.length(ours.points(101)).numpy() / manifold.length(exact.points(101)).numpy()
    assert measured.max() < 1.02


def test_what_is_found_with_its_help_is_exact(manifold, distilled, pairs):
    exact = connect(manifold, *pairs)
    near = connect(distilled, *pairs)
    both = Preconditioned(manifold, distilled)
    for helped in (
        connect(manifold, *pairs, warm_start=near),
        connect(both, *pairs, warm_start=near),
        connect(both, *pairs, solver="bfgs"),
    ):
        # By the second derivatives of a rough network steps may go to and fro, and promise less than there is.
        done = helped.converged
        assert done.mean() > 0.98
        np.testing.assert_allclose(helped.length[done], exact.length[done], rtol=1e-3)
    assert connect(manifold, *pairs, warm_start=near).num_iterations.sum() < exact.num_iterations.sum()


def test_derivatives_in_closed_form_are_those_of_tapes(manifold):
    ours = Distilled(
        manifold, LATENTS, **SETTINGS | {"num_steps": 50, "max_length_error": 9.0, "dtype": tf.float64}
    )
    tapes = Pullback(ours.network)
    z = LATENTS[:21].reshape(7, 3, DIM).astype(np.float64)
    np.testing.assert_allclose(ours.jacobian_products(z), tapes.jacobian_products(z), rtol=1e-12)
    # These are differences, with the error of a short step.
    step = tf.fill([7], tf.constant(1e-5, tf.float64))
    exact, near = ours.omitted_curvature(z, None), tapes.omitted_curvature(z, None, step)
    np.testing.assert_allclose(exact, near, rtol=1e-3, atol=1e-3 * np.abs(near).max())
    assert ours.omitted_curvature(z.astype(np.float32), None).dtype == tf.float32


def test_a_refined_one_is_better_and_another(manifold, distilled):
    before = [weights.copy() for weights in distilled.network.get_weights()]
    refined = distilled.refine(2000)
    assert refined.length_error[0] < distilled.length_error[0]
    assert refined.norm_error[0] < distilled.norm_error[0]
    for old, new in zip(before, distilled.network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert refined.manifold is manifold and repr(refined) == repr(distilled)


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_a_pickle_measures_the_same(manifold, pairs, dtype):
    made = Distilled(manifold, LATENTS, **SETTINGS | {"num_steps": 20, "max_length_error": 1.0}, dtype=dtype)
    copied = pickle.loads(pickle.dumps(made))
    lines = np.linspace(*pairs, 5, axis=1).astype(np.float64)
    np.testing.assert_array_equal(copied.length(lines), made.length(lines))
    assert copied.describe() == made.describe() and copied.working_dtype(DIM, tf.float64) == dtype


def test_the_same_seed_is_the_same_network(manifold):
    settings = SETTINGS | {"num_steps": 20, "max_length_error": 1.0}
    one, same, other = (Distilled(manifold, LATENTS, **settings, seed=seed) for seed in (1, 1, 2))
    for a, b in zip(one.network.get_weights(), same.network.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
    assert np.abs(one.network.get_weights()[-1] - other.network.get_weights()[-1]).max() > 1e-2


def test_the_description_states_the_errors(distilled):
    said = distilled.describe()
    assert (
        "\n" not in said
        and f"{distilled.length_error[1]:.1%}" in said
        and f"{distilled.metric_error[0]:.1%}" in said
    )
    assert repr(distilled) == f"Distilled(Pullback(decode), {distilled.num_features} features)"
    assert 0.97 <= distilled.share <= 1.0


def test_pairs_beyond_what_it_saw_are_told(distilled):
    assert (
        distilled.contains(LATENTS).numpy().all() and distilled.contains(LATENTS.astype(np.float64)).numpy().all()
    )
    far = LATENTS[:3] + np.float32([0.0, 60.0, 0.0, 0.0])
    assert not distilled.contains(far).numpy().any()
    found = connect(distilled, LATENTS[:3], far, warn=False)
    assert np.isnan(found.length).all() and all("outside" in reason for reason in found.reason)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_farthest_latent_is_inside(manifold, dtype):
    latents = LATENTS[:60].copy()
    latents[:3] += np.float32([0.0, 60.0, 20.0, 0.0]) * np.float32([[1.0], [-1.3], [1.7]])
    made = Distilled(
        manifold, latents, **SETTINGS | {"num_steps": 10, "num_samples": 512, "max_length_error": 10.0}
    )
    assert made.contains(latents.astype(dtype)).numpy().all()


def test_latents_in_a_plane_of_the_space():
    latents = LATENTS * np.float32([1.0, 1.0, 0.0, 1.0])
    flat = Distilled(Pullback(decode), latents, **SETTINGS)
    assert flat.length_error[1] < 0.05 and flat.contains(latents).numpy().all()


def test_a_decoder_that_stands_still():
    still = Distilled(Pullback(lambda z: 0.0 * z[:, :1] + 1.0), LATENTS, **SETTINGS | {"num_steps": 20})
    assert still.num_features == 1 and still.length_error == (0.0, 0.0)


@pytest.mark.parametrize(
    ("latents", "settings", "message"),
    [
        (LATENTS[:10], {}, r"10 latents of 4 dimensions, 10 of them different.* give at least 20"),
        (np.zeros([40, DIM]), {}, "40 latents of 4 dimensions, 1 of them different"),
        (np.full([40, DIM], np.nan), {}, r"\(40, 4\) must be \[n, d\] and finite"),
        (np.full([40, DIM], 1e300), {}, "finite in float32"),
        (LATENTS, {"hidden_units": 64}, "`hidden_units` must be the widths of layers"),
        (LATENTS, {"hidden_units": ()}, "`hidden_units` must be the widths of layers"),
        (LATENTS, {"dtype": tf.int32}, "`dtype` is"),
        (LATENTS, {"max_length_error": 1e-5, "num_steps": 10}, "above max_length_error=1e-05"),
        (LATENTS, {"share": 1.5}, "`share` must be in"),
        (LATENTS, {"num_steps": 0}, "`num_steps` must be"),
    ],
)
def test_bad_input(manifold, latents, settings, message):
    with pytest.raises(UserError, match=message):
        Distilled(manifold, latents, **SETTINGS | settings)


def test_what_has_no_embedding_is_refused(distilled):
    with pytest.raises(UserError, match="TensorField does not come from an embedding alone"):
        Distilled(TensorField(half_plane_metric), random_points(40, 2))
    with pytest.raises(UserError, match="not finite at z = "):
        Distilled(Pullback(lambda z: tf.math.log(z)), LATENTS, **SETTINGS)
    with pytest.raises(UserError, match=r"distil `manifold\.given"):
        distilled.given(np.zeros(2))
