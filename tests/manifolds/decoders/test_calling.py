"""How each kind of decoder is called, and with how many inputs."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.manifolds.decoders.kinds import CONDITION, conditional, functional, hidden
from tfgeo.errors import UserError
from tfgeo.geodesics import connect
from tfgeo.manifolds import ExpectedPullback, Pullback

tfb, tfd = tfp.bijectors, tfp.distributions

POINTS = np.random.default_rng(0).normal(size=[4, 2]).astype(np.float32)


def real_nvp():
    """A flow and the function that it is: one coordinate moves the other."""

    def shift_and_log_scale(x, units):
        return tf.sin(3.0 * x) * tf.ones([units]), tf.cos(x) * tf.ones([units])

    flow = tfb.RealNVP(num_masked=1, shift_and_log_scale_fn=shift_and_log_scale)
    first, second = slice(None, 1), slice(1, None)
    return flow, lambda z: tf.concat(
        [z[:, first], z[:, second] * tf.exp(tf.cos(z[:, first])) + tf.sin(3.0 * z[:, first])], axis=-1
    )


BIJECTORS = {
    "softplus": lambda: (tfb.Softplus(), tf.nn.softplus),
    "chain": lambda: (
        tfb.Chain([tfb.Exp(), tfb.Shift([1.0, -1.0])]),
        lambda z: tf.exp(z + tf.constant([1.0, -1.0])),
    ),
    "real_nvp": real_nvp,
}


@pytest.mark.parametrize("name", BIJECTORS)
def test_a_bijector_is_what_its_function_is(name):
    """It keeps what it gave for a tensor, outside of any tape: asked again, it would have no derivative."""
    bijector, function = BIJECTORS[name]()
    surface, by_hand = Pullback(bijector), Pullback(function)
    z = tf.constant(POINTS)
    bijector.forward(z)
    for _ in range(2):
        np.testing.assert_allclose(surface.metric_tensor(z), by_hand.metric_tensor(z), rtol=1e-5)
    np.testing.assert_allclose(surface.christoffels(z), by_hand.christoffels(z), rtol=1e-4, atol=1e-5)


def test_geodesics_of_a_bijector_are_preimages_of_straight_lines():
    flow, function = BIJECTORS["chain"]()
    ends = function(tf.constant(POINTS))
    found = connect(Pullback(flow), POINTS[:2], POINTS[2:], "cubic_spline")
    assert found.converged.all()
    np.testing.assert_allclose(found.length, np.linalg.norm(ends[2:] - ends[:2], axis=-1), rtol=1e-4)


def test_a_distribution_made_by_a_bijector():
    surface = Pullback(lambda z: tfd.TransformedDistribution(tfd.Normal(hidden(z), 1.0), tfb.Shift(1.0)))
    np.testing.assert_allclose(surface.metric_tensor(POINTS), Pullback(hidden).metric_tensor(POINTS), rtol=1e-5)


def test_a_bijector_follows_its_variables():
    scale = tf.Variable(1.0)
    surface, z = Pullback(tfb.Scale(scale)), tf.constant(POINTS)
    before = surface.volume(z)
    scale.assign(3.0)
    np.testing.assert_allclose(surface.volume(z), 9.0 * before, rtol=1e-6)


class Subclassed(keras.Model):
    def call(self, z):
        return z


@pytest.mark.parametrize(
    ("decoder", "said"),
    [
        (Subclassed, r"is the class Subclassed itself; give an instance of it, Subclassed\(\.\.\.\)"),
        (tfd.Normal, "is the class Normal itself"),
        (tfb.Softplus, "is the class Softplus itself"),
    ],
)
def test_a_class_is_no_decoder(decoder, said):
    for manifold in (Pullback, ExpectedPullback):
        with pytest.raises(UserError, match=said):
            manifold(decoder)


def test_a_class_is_no_manifold():
    with pytest.raises(UserError, match="`manifold` is the class Pullback; give"):
        connect(Pullback, POINTS[:2], POINTS[2:])


def three_inputs():
    inputs = [keras.Input([2]) for _ in range(3)]
    return keras.Model(inputs, keras.layers.Concatenate()(inputs))


def with_signature(width):
    specifications = [tf.TensorSpec([None, 2]), tf.TensorSpec([None, width])]
    return tf.function(lambda z, c: tf.concat([hidden(z), c], axis=-1), input_signature=specifications)


def scaled(z, scale):
    return scale * hidden(z)


# One line for each way in which a condition does not fit: the decoder, the condition, what is said.
MISFITS = {
    "two inputs without": (conditional, None, r"takes a condition beside latent points; give `condition` \[3\]"),
    "one input with": (lambda: functional(None), CONDITION, "takes latent points alone; leave `condition` out"),
    "wrong width": (conditional, CONDITION[:2], r"`condition` has 2 values.*takes 3; give \[3\]"),
    "wrong width of a signature": (lambda: with_signature(1), CONDITION, "`condition` has 3 values.*takes 1"),
    "a number for three": (conditional, 1.0, "`condition` has 1 values.*takes 3"),
    "three inputs": (three_inputs, CONDITION, "takes 3 inputs.*wrap it in a function"),
    "function of two without": (lambda: scaled, None, r"scaled takes a condition.*\[C\]"),
    "function of one with": (lambda: lambda z: hidden(z), CONDITION, "takes latent points alone"),
    "function of three": (lambda: lambda z, a, b: hidden(z) * a + b, CONDITION, "takes 3 inputs"),
    "function that cannot take it": (
        lambda: scaled, CONDITION, r"cannot take latent points \[3, 2\] and conditions \[3, 3\]"
    ),
    "bijector": (tfb.Softplus, CONDITION, "takes latent points alone"),
    "signature without": (lambda: with_signature(3), None, r"takes a condition.*\[3\]"),
    "words": (conditional, ["a", "b", "c"], r"`condition` must be \[C\] or \[..., C\] real numbers"),
    "nothing in it": (conditional, [], r"`condition` has shape \(0,\)"),
    "of other points": (conditional, np.zeros([3, 3]), r"`condition` \[3, C\] does not fit .* points \(4, 2\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISFITS)
def test_a_condition_that_does_not_fit_is_refused_in_one_line(name):
    decoder, condition, said = MISFITS[name]
    with pytest.raises(UserError, match=said) as caught:
        Pullback(decoder(), condition=condition).metric_tensor(POINTS)
    assert "\n" not in str(caught.value)


def test_a_number_is_a_condition_of_one_value():
    surface, plain = Pullback(scaled, condition=2.0), Pullback(hidden)
    np.testing.assert_allclose(surface.metric_tensor(POINTS), 4.0 * plain.metric_tensor(POINTS), rtol=1e-5)
    # Without a condition of its own too: that of the call is enough.
    found = connect(Pullback(scaled), POINTS[:2], POINTS[2:], num_points=5, condition=3)
    np.testing.assert_allclose(found.length, 3.0 * plain.length(found.points(5)), rtol=1e-5)


def test_connect_names_a_condition_that_does_not_fit():
    surface = Pullback(conditional(), condition=CONDITION)
    with pytest.raises(UserError, match=r"`condition` has 2 values.*takes 3"):
        connect(surface, POINTS[:2], POINTS[2:], condition=CONDITION[:2])
    with pytest.raises(UserError, match="takes latent points alone"):
        connect(Pullback(functional(None)), POINTS[:2], POINTS[2:], condition=CONDITION)
