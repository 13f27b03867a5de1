"""Energies and lengths of curves against plain NumPy, closed forms and each other."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.cases import SURFACES, SmallDecoder, random_points
from tfgeo.manifolds import ExpectedPullback, IndependentNoise, Manifold, Pullback, TensorField
from tfgeo.manifolds.calculus.jacobian import jacobian_columns

tfd = tfp.distributions

MANIFOLDS = {
    **{name: Pullback(embedding) for name, (embedding, _) in SURFACES.items()},
    "expected": ExpectedPullback(SmallDecoder()),
    "independent": IndependentNoise(SmallDecoder()),
}
SCALED = [name for name in MANIFOLDS if name != "independent"]


@pytest.mark.parametrize("name", SURFACES)
def test_pullback_energy_is_a_sum_of_decoded_squares(name):
    points = random_points(3, 5, 2)
    energy, length = np.zeros(3), np.zeros(3)
    for b in range(3):
        decoded = SURFACES[name][0](tf.constant(points[b])).numpy()
        for i in range(4):
            energy[b] += 4 * np.sum((decoded[i + 1] - decoded[i]) ** 2)
            length[b] += np.sqrt(np.sum((decoded[i + 1] - decoded[i]) ** 2))
    np.testing.assert_allclose(MANIFOLDS[name].energy(points), energy, rtol=1e-12)
    np.testing.assert_allclose(MANIFOLDS[name].length(points), length, rtol=1e-12)


def test_independent_noise_energy_is_equation_17_and_18():
    points = random_points(3, 6, 2, low=-1.0, high=1.0)
    decoder = SmallDecoder()
    energy = np.zeros(3)
    for b in range(3):
        for i in range(5):
            first, second = (decoder(tf.constant(points[b, j])) for j in (i, i + 1))
            moved = np.sum((first.mean() - second.mean()).numpy() ** 2)
            noise = np.sum(first.stddev().numpy() ** 2) + np.sum(second.stddev().numpy() ** 2)
            energy[b] += moved + noise
    np.testing.assert_allclose(IndependentNoise(decoder).energy(points), energy, rtol=1e-12)
    # Length is that of the expected metric: noise does not lengthen a curve, however finely it is cut.
    np.testing.assert_allclose(IndependentNoise(decoder).length(points), ExpectedPullback(decoder).length(points))


def test_constant_noise_adds_the_same_to_every_curve():
    points, decoder = random_points(3, 6, 2), SmallDecoder()
    # No tensor leads from the points to this deviation.
    noisy, plain = IndependentNoise(lambda z: tfd.Normal(decoder(z).mean(), 0.1)), Pullback(decoder)
    # Energies of a `Pullback` are 5 times the sum of its squares; both ends of 5 segments have 6 outputs' variance.
    noise = 2.0 * 5.0 * 6.0 * 0.01
    np.testing.assert_allclose(noisy.energy(points), plain.energy(points) / 5.0 + noise, rtol=1e-12)
    energy, gradient = noisy.energy_and_gradient(points)
    np.testing.assert_allclose(energy, noisy.energy(points), rtol=1e-12)
    np.testing.assert_allclose(gradient, plain.energy_and_gradient(points)[1] / 5.0, rtol=1e-10, atol=1e-12)
    model, other = noisy.quadratic_model(points), plain.quadratic_model(points)
    np.testing.assert_allclose(model.energy, energy, rtol=1e-12)
    np.testing.assert_allclose(model.diagonal, other.diagonal / 5.0, rtol=1e-10, atol=1e-12)


def test_independent_noise_energy_is_the_mean_of_sampled_energies():
    points = random_points(1, 4, 2, low=-1.0, high=1.0)
    decoder = SmallDecoder()
    samples = decoder(points).sample(20_000, seed=3).numpy()
    energies = np.sum((samples[..., 1:, :] - samples[..., :-1, :]) ** 2, axis=(-1, -2))
    error = energies.std(axis=0) / np.sqrt(len(energies))
    assert np.abs(IndependentNoise(decoder).energy(points) - energies.mean(axis=0)) < 5.0 * error


def test_expected_pullback_is_the_pullback_of_mean_and_stddev():
    decoder = SmallDecoder()
    points = random_points(2, 5, 2, low=-1.0, high=1.0)
    distribution = decoder(tf.constant(points))
    stacked = np.concatenate([distribution.mean(), distribution.stddev()], axis=-1)
    expected = 4.0 * np.sum(np.diff(stacked, axis=1) ** 2, axis=(-1, -2))
    np.testing.assert_allclose(ExpectedPullback(decoder).energy(points), expected, rtol=1e-12)


@pytest.mark.parametrize("name", MANIFOLDS)
def test_the_quadratic_model_has_the_energy_and_its_gradient(name):
    # 40 points: more than one window of inner products.
    for num_points in (3, 4, 17, 18, 19, 40):
        points = tf.constant(random_points(3, num_points, 2))
        with tf.GradientTape() as tape:
            tape.watch(points)
            energy = MANIFOLDS[name].energy(points)
        model = MANIFOLDS[name].quadratic_model(points)
        np.testing.assert_allclose(model.energy, energy, rtol=1e-12)
        slope = tape.gradient(energy, points)[:, 1:-1]
        np.testing.assert_allclose(model.gradient, slope, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("num_points", [3, 4, 18, 19, 40])
def test_gauss_newton_blocks_are_products_of_jacobians(num_points):
    manifold = MANIFOLDS["expected"]
    points = tf.constant(random_points(3, num_points, 2))
    model = manifold.quadratic_model(points)
    columns = np.asarray(jacobian_columns(manifold.embedding, points[:, 1:-1]))
    scale = num_points - 1.0
    diagonal = 4.0 * scale * np.einsum("btmi,btmj->btij", columns, columns)
    off_diagonal = -2.0 * scale * np.einsum("btmi,btmj->btij", columns[:, :-1], columns[:, 1:])
    np.testing.assert_allclose(model.diagonal, diagonal, rtol=1e-10)
    np.testing.assert_allclose(model.off_diagonal, off_diagonal, rtol=1e-10, atol=1e-12)


def field_metric(z):
    """A smooth metric that no surface is needed for."""
    wave = tf.sin(z[..., 0]) * z[..., 1]
    row = tf.stack([2.0 + tf.square(wave), 0.3 * z[..., 0]], axis=-1)
    return tf.stack([row, tf.stack([0.3 * z[..., 0], 1.0 + tf.exp(0.5 * z[..., 1])], axis=-1)], axis=-2)


def test_two_ways_to_a_metric_fields_model_agree():
    manifold = TensorField(field_metric)
    points = tf.constant(random_points(3, 7, 2))
    # By hand from the metric's derivatives, and by differentiating the energies of segments twice.
    formula, automatic = manifold.quadratic_model(points), Manifold.quadratic_model(manifold, points)
    for actual, expected in zip(formula, automatic, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "manifold", [TensorField(field_metric), MANIFOLDS["independent"]], ids=["field", "independent"]
)
def test_a_definite_model_is_definite_and_keeps_the_gradient(manifold):
    points = tf.constant(random_points(3, 7, 2, low=-1.5, high=1.5))
    model, definite = manifold.quadratic_model(points), manifold.quadratic_model(points, definite=True)
    np.testing.assert_allclose(definite.energy, model.energy, rtol=1e-12)
    np.testing.assert_allclose(definite.gradient, model.gradient, rtol=1e-12)
    matrix = np.zeros([3, 5, 2, 5, 2])
    for i in range(5):
        matrix[:, i, :, i] = definite.diagonal[:, i]
        if i < 4:
            matrix[:, i, :, i + 1] = definite.off_diagonal[:, i]
            matrix[:, i + 1, :, i] = np.swapaxes(definite.off_diagonal[:, i], 1, 2)
    assert (np.linalg.eigvalsh(matrix.reshape(3, 10, 10)) > 0.0).all()


@pytest.mark.parametrize("name", SCALED)
def test_squared_length_is_at_most_the_energy(name):
    points = random_points(50, 6, 2)
    length, energy = (MANIFOLDS[name].length(points).numpy(), MANIFOLDS[name].energy(points).numpy())
    assert (length**2 <= energy).all()
    # Random points have no constant speed, for which alone the two are equal.
    assert (length**2 < 0.999 * energy).any()


def test_squared_length_equals_the_energy_at_constant_speed():
    points = np.linspace([0.1, 0.2], [1.0, 1.3], 9)[None]
    manifold = MANIFOLDS["flat"]
    np.testing.assert_allclose(manifold.length(points) ** 2, manifold.energy(points), rtol=1e-12)
    step = points[0, -1] - points[0, 0]
    np.testing.assert_allclose(manifold.energy(points)[0], step @ SURFACES["flat"][1](step) @ step, rtol=1e-12)


@pytest.mark.parametrize("num_segments", [1, 2, 8, 64])
def test_energy_of_a_paraboloid_ray_in_closed_form(num_segments):
    t = np.linspace(0.0, 1.0, num_segments + 1)
    points = np.stack([t, np.zeros_like(t)], axis=-1)[None]
    # The midpoint rule for the integral of 1 + 4 t^2, which is 7/3: exactly h^2 / 3 too small.
    energy = 7.0 / 3.0 - 1.0 / (3.0 * num_segments**2)
    np.testing.assert_allclose(MANIFOLDS["paraboloid"].energy(points)[0], energy, rtol=1e-12)


@pytest.mark.parametrize("name", ["sphere", "paraboloid", "expected"])
def test_energy_and_length_converge_with_order_two(name):
    start, end, bend = random_points(3, 4, 1, 2, low=0.3, high=1.3)
    manifold = MANIFOLDS[name]

    def curve(num_segments):
        t = np.linspace(0.0, 1.0, num_segments + 1)[:, None]
        return (1.0 - t) * start + t * end + t * (1.0 - t) * bend

    for functional in (manifold.energy, manifold.length):
        coarse, middle, fine = (functional(curve(num)).numpy() for num in (40, 80, 160))
        # Halving the step divides an error of order two by four; the next term is (1 / 40)^2 smaller.
        np.testing.assert_allclose((coarse - middle) / (middle - fine), 4.0, rtol=0.02)


@pytest.mark.parametrize("name", ["sphere", "expected"])
def test_energy_converges_to_the_integral_of_the_metric(name):
    start, end = random_points(2, 3, 2)
    manifold = MANIFOLDS[name]
    num = 400
    middles = (np.arange(num)[:, None, None] + 0.5) / num
    z = (1.0 - middles) * start + middles * end
    speed = np.broadcast_to(end - start, z.shape)
    integral = np.mean(manifold.inner_product(z, speed, speed), axis=0)
    points = np.linspace(start, end, num + 1, axis=1)
    # Both rules have order two: an error of about 1 / 400^2.
    np.testing.assert_allclose(manifold.energy(points), integral, rtol=3e-5)
    np.testing.assert_allclose(manifold.length(points), np.mean(manifold.norm(z, speed), axis=0), rtol=3e-5)


def test_the_noise_term_does_not_shrink_when_the_curve_is_cut_finer():
    manifold = IndependentNoise(SmallDecoder(spread=0.0))
    start, end = random_points(2, 3, 2)
    coarse, fine = (manifold.energy(np.linspace(start, end, num, axis=1)).numpy() for num in (11, 101))
    # 0.1^2 for each of 6 outputs at both ends of a segment; the squared differences shrink as 1 / segments.
    noise = 2.0 * 6.0 * 0.01
    assert (fine > coarse).all()
    np.testing.assert_allclose(fine - 100 * noise, (coarse - 10 * noise) / 10.0, rtol=0.05)


@pytest.mark.parametrize("name", MANIFOLDS)
def test_energy_and_length_do_not_depend_on_the_direction(name):
    points = random_points(4, 6, 2)
    for functional in (MANIFOLDS[name].energy, MANIFOLDS[name].length):
        np.testing.assert_allclose(functional(points), functional(points[:, ::-1]), rtol=1e-12)


@pytest.mark.parametrize("shape", [(2,), (3, 1, 2)])
def test_a_curve_needs_two_points(shape):
    with pytest.raises(ValueError, match="`points`"):
        MANIFOLDS["flat"].energy(np.zeros(shape))
