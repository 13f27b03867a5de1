"""What a decoder is asked, in which dtype and shape, and what is refused where it enters."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.manifolds.decoders.kinds import CONDITION, conditional, functional, hidden
from tfgeo.errors import UserError
from tfgeo.geodesics import connect, frechet_mean
from tfgeo.manifolds import (
    Decoder,
    ExpectedPullback,
    FisherRao,
    IndependentNoise,
    Pullback,
    TensorField,
)

tfd, tfb = tfp.distributions, tfp.bijectors

POINTS = np.random.default_rng(0).normal(size=[4, 2]).astype(np.float32)


class Recorder:
    """A function that keeps what it is called with."""

    def __init__(self):
        self.calls = []

    def __call__(self, z):
        self.calls.append(z)
        return hidden(z)


def test_it_is_called_with_rows_alone():
    recorder = Recorder()
    decoder = Decoder(recorder)
    for shape in ([2], [4, 2], [3, 4, 2], [2, 3, 4, 2], [0, 2], [0, 5, 2]):
        z = tf.random.stateless_normal(shape, [0, 1])
        values = decoder.values(z)
        assert values.shape == [*shape[:-1], 12]
        np.testing.assert_allclose(
            tf.reshape(values, [-1, 12]), hidden(tf.reshape(z, [-1, 2])), rtol=1e-6, atol=1e-7
        )
    assert all(call.shape.rank == 2 for call in recorder.calls)


def test_shapes_are_known_where_the_batch_is_open():
    decoder = Decoder(lambda z: tf.reshape(hidden(z), [-1, 4, 3, 1]))

    @tf.function(input_signature=[tf.TensorSpec([None, 5, 2])])
    def trace(z):
        values = decoder.values(z)
        assert values.shape.as_list() == [None, 5, 12]
        return values

    assert trace(tf.zeros([3, 5, 2])).shape == [3, 5, 12]


@pytest.mark.parametrize("given", [np.float16, np.float32, np.float64, np.int32, "bfloat16"])
@pytest.mark.parametrize("own", ["float32", "float64"])
def test_it_computes_in_its_own_dtype_and_returns_that_of_the_points(given, own):
    recorder = Recorder()
    layer = keras.layers.Lambda(recorder, dtype=own)
    decoder = Decoder(layer)
    z = tf.cast([[1.0, 2.0], [0.0, -1.0]], given)
    values = decoder.values(z)
    assert {call.dtype.name for call in recorder.calls} == {own}
    assert values.dtype == (tf.float64 if given == np.float64 else tf.float32)
    np.testing.assert_allclose(values, hidden(tf.constant([[1.0, 2.0], [0.0, -1.0]])), rtol=1e-5)


@pytest.mark.parametrize("own", ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16"])
def test_a_decoder_of_half_precision_is_warned_of_once(own):
    """Its values have so few digits that the differences of near points have none."""
    recorder = Recorder()
    surface = ExpectedPullback(keras.layers.Lambda(recorder, dtype=own), outputs="logits")
    with pytest.warns(UserWarning, match=f"computes in {own.removeprefix('mixed_')}, to [23] digits") as caught:
        metric, length = surface.metric_tensor(POINTS), surface.length(POINTS[None])
    assert len(caught) == 1 and all(call.dtype.name == own.removeprefix("mixed_") for call in recorder.calls)
    exact = ExpectedPullback(hidden, outputs="logits")
    assert metric.dtype == length.dtype == tf.float32
    np.testing.assert_allclose(metric, exact.metric_tensor(POINTS), rtol=0.1, atol=0.01)
    np.testing.assert_allclose(length, exact.length(POINTS[None]), rtol=0.05)
    assert surface.working_dtype(2, tf.float64) == tf.float32


def test_lists_and_words_and_rows_of_different_lengths():
    surface = Pullback(hidden)
    expected = surface.volume(POINTS.astype(np.float64))
    np.testing.assert_array_equal(surface.volume(POINTS.astype(np.float64).tolist()), expected)
    for wrong, said in (([["a", "b"]], "numbers"), ([[1.0], [1.0, 2.0]], "array"), ([[1j, 2.0]], "real")):
        with pytest.raises(UserError, match=said):
            surface.volume(wrong)
        with pytest.raises(UserError, match="`start`"):
            connect(surface, wrong, wrong)


def test_a_decoder_in_float32_gives_float64_ends_its_own_accuracy():
    surface = Pullback(keras.Sequential([keras.Input([2]), keras.layers.Dense(8, "tanh")]))
    single = connect(surface, POINTS[:2], POINTS[2:])
    double = connect(surface, POINTS[:2].astype(np.float64), POINTS[2:].astype(np.float64))
    assert double.length.dtype == double.points(5).dtype == np.float64
    np.testing.assert_array_equal(double.length, single.length)
    mean = frechet_mean(surface, POINTS.astype(np.float64) * 0.1)
    assert mean.point.dtype == np.float64 and mean.converged


def test_a_model_that_is_not_built_yet_is_built_for_any_number_of_rows():
    model = keras.Sequential([keras.layers.Dense(4, "tanh"), keras.layers.Dense(3)])
    connect(Pullback(model), POINTS[:2], POINTS[2:], num_points=5)
    assert model.input_shape == (None, 2)
    assert model(np.zeros([7, 2], np.float32)).shape == (7, 3)
    with pytest.raises(UserError, match=r"have 3 coordinates.*takes 2"):
        Pullback(functional(None)).volume(np.zeros([1, 3]))


def test_models_are_called_in_inference_mode():
    model = keras.Sequential([keras.Input([2]), keras.layers.Dense(8), keras.layers.Dropout(0.5)])
    model.add(keras.layers.BatchNormalization())
    before = [weight.numpy() for weight in model.non_trainable_weights]
    first, second = (Pullback(model).length(POINTS[None]) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    for weight, old in zip(model.non_trainable_weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)


# Outputs that are saturated: they do not move, and so add nothing. `live` is the same decoder without them.


def dead(values, level):
    """`[n, M]` with one more column that stays at a level, but through the latent points."""
    return tf.concat([values, 0.0 * values[:, :1] + level], axis=-1)


# Distributions of parameters `[n, M]`, and the parameter at which one is saturated.
SATURATED = {
    "bernoulli_logits_low": (lambda x: tfd.Bernoulli(logits=x), -110.0),
    "bernoulli_logits_high": (lambda x: tfd.Bernoulli(logits=x), 110.0),
    "bernoulli_probs": (lambda x: tfd.Bernoulli(probs=tf.sigmoid(x)), -110.0),
    "poisson_rate": (lambda x: tfd.Poisson(rate=tf.nn.relu(1.1 + x)), -5.0),
    "poisson_log_rate": (lambda x: tfd.Poisson(log_rate=x), -110.0),
    "negative_binomial": (lambda x: tfd.NegativeBinomial(5.0, logits=x), -110.0),
    "binomial": (lambda x: tfd.Binomial(9.0, logits=x), 110.0),
    "one_hot": (lambda x: tfd.OneHotCategorical(logits=x), -300.0),
}


@pytest.mark.parametrize("manifold", [Pullback, ExpectedPullback, IndependentNoise, FisherRao])
@pytest.mark.parametrize("name", SATURATED)
def test_an_output_that_does_not_move_adds_nothing(name, manifold):
    distribution, level = SATURATED[name]
    live = manifold(lambda z: distribution(hidden(z)))
    saturated = manifold(lambda z: distribution(dead(hidden(z), level)))
    if manifold is FisherRao and name == "binomial":
        pytest.skip("its Fisher information is not known here")
    np.testing.assert_allclose(saturated.metric_tensor(POINTS), live.metric_tensor(POINTS), rtol=1e-5, atol=1e-7)
    curves = np.linspace(POINTS[:2], POINTS[2:], 6, axis=1)
    for ours, theirs in zip(saturated.energy_and_gradient(curves), live.energy_and_gradient(curves), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(saturated.quadratic_model(curves), live.quadratic_model(curves), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_moments_of_the_continuous_bernoulli_distribution(dtype):
    """Against TFP's, which have no derivative at saturation, and whose closed forms cancel near a logit of 0."""
    logits = tf.constant([-110.0, -20.0, -2.0, -0.6, -0.4, -0.05, 0.0, 0.05, 0.4, 0.6, 3.0, 110.0], dtype)[:, None]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        mean, stddev = Decoder(lambda z: tfd.ContinuousBernoulli(logits=z)).mean_and_stddev(logits)
    exact = tfd.ContinuousBernoulli(logits=tf.cast(logits, tf.float64))
    np.testing.assert_allclose(mean, exact.mean(), rtol=1e-5)
    np.testing.assert_allclose(stddev, exact.stddev(), rtol=1e-4)
    # The derivative of the mean in the logit is the variance: an exponential family.
    np.testing.assert_allclose(tape.gradient(mean, logits), tf.square(stddev), rtol=1e-4)
    assert np.isfinite(tape.gradient(stddev, logits)).all()


# What a user may be told to do about a decoder.


def numpy_decoder(z):
    return tf.convert_to_tensor(np.asarray(z) @ np.ones([2, 3], np.float32))


@pytest.mark.parametrize(
    ("decoder", "manifold", "said"),
    [
        (None, Pullback, "NoneType, which cannot be called"),
        ("decoder.keras", Pullback, "str, which cannot be called; load the file first"),
        (hidden, ExpectedPullback, "no standard deviation; use `Pullback`"),
        (hidden, FisherRao, "no Fisher information"),
        (lambda z: (hidden(z), hidden(z)), Pullback, r"2 outputs .*say what they are"),
        (lambda z: {"a": hidden(z), "b": hidden(z)}, Pullback, r"outputs \['a', 'b'\]"),
        (lambda z: tf.complex(hidden(z), hidden(z)), Pullback, "complex64"),
        (lambda z: tf.cast(hidden(z), tf.int32), Pullback, "int32"),
        (lambda z: tf.RaggedTensor.from_tensor(hidden(z)), Pullback, "RaggedTensor"),
        (lambda z: "decoded", Pullback, "string"),
        (lambda z: object(), Pullback, "object, which is no tensor and no TFP distribution"),
        (lambda z: hidden(z)[:2], Pullback, r"shape \(2, 12\) for 3 latent points"),
        (lambda z: hidden(z)[:, :0], Pullback, "returns no values"),
        (lambda z: tf.reduce_sum(z), Pullback, r"one row \[n, ...\]"),
        (numpy_decoder, Pullback, "no derivative in the latent points"),
        (lambda z: tf.stop_gradient(hidden(z)), Pullback, "no derivative in the latent points"),
        (lambda z: z @ np.ones([3, 4], np.float32), Pullback, r"cannot take latent points \[3, 2\]"),
        # Its gradient is differentiable by reverse mode alone: forward mode would give 0.
        (tf.quantization.fake_quant_with_min_max_args, Pullback, "0 in forward mode and .* in reverse mode"),
        (lambda z: tfd.Categorical(logits=hidden(z)), ExpectedPullback, "numbers of classes"),
        (lambda z: tfd.StudentT(1.5, hidden(z), 1.0), ExpectedPullback, "standard deviation .* is not finite"),
        (
            lambda z: tfd.TransformedDistribution(tfd.Normal(hidden(z), 1.0), tfb.Exp()),
            ExpectedPullback,
            "TransformedDistribution, which has no mean",
        ),
        (
            lambda z: tfd.JointDistributionSequential([tfd.Normal(hidden(z), 1.0), lambda x: tfd.Normal(x, 1.0)]),
            ExpectedPullback,
            "depend on one another",
        ),
    ],
)
def test_what_cannot_be_taken_is_refused_in_one_line(decoder, manifold, said):
    with pytest.raises(UserError, match=said) as caught:
        manifold(decoder).metric_tensor(POINTS)
    assert "\n" not in str(caught.value)


def test_a_saved_model_names_its_signatures():
    loaded = tf.Module()
    loaded.signatures = {"decode": None}
    with pytest.raises(UserError, match=r"loaded.signatures\['decode'\]"):
        Pullback(loaded)


def test_a_saved_model_must_be_kept_for_its_functions(tmp_path):
    keras.Sequential([keras.Input([2]), keras.layers.Dense(3)]).export(tmp_path, verbose=False)
    surface = Pullback(tf.saved_model.load(str(tmp_path)).serve)
    with pytest.raises(UserError, match=r"are gone; keep what tf.saved_model.load returned"):
        surface.metric_tensor(POINTS)


def test_a_function_for_one_number_of_rows_is_refused():
    fixed = tf.function(hidden, input_signature=[tf.TensorSpec([1, 2])])
    with pytest.raises(UserError, match=r"\(1, 2\) alone"):
        Pullback(fixed)


@pytest.mark.parametrize(
    ("decoder", "said"),
    [
        (lambda z: tf.nn.dropout(hidden(z), 0.5), "other values when it is called again"),
        (lambda z: hidden(z) - tf.reduce_mean(hidden(z), axis=0), "when others are decoded beside it"),
    ],
)
def test_a_decoder_that_changes_is_warned_of_once(decoder, said):
    surface = Pullback(decoder)
    with pytest.warns(UserWarning, match=said) as caught:
        surface.length(POINTS[None])
        surface.length(POINTS[None])
    assert len(caught) == 1


def test_a_decoder_made_inside_of_a_graph():
    @tf.function
    def inside(scale):
        return Pullback(lambda z: scale * hidden(z)).volume(tf.constant(POINTS))

    np.testing.assert_allclose(
        inside(tf.constant(2.0)), Pullback(lambda z: 2.0 * hidden(z)).volume(POINTS), rtol=1e-5
    )


def test_a_conditional_decoder():
    keras.utils.set_random_seed(1)
    model = conditional()
    surface = Pullback(model, condition=CONDITION)
    by_hand = Pullback(lambda z: model([z, tf.tile(CONDITION[None], [tf.shape(z)[0], 1])]))
    np.testing.assert_allclose(surface.metric_tensor(POINTS), by_hand.metric_tensor(POINTS), rtol=1e-5)
    other = CONDITION + 1.0
    changed = surface.given(other).metric_tensor(POINTS)
    assert np.abs(changed - surface.metric_tensor(POINTS)).max() > 1e-3
    np.testing.assert_allclose(
        surface.given(np.stack([CONDITION, other, other, CONDITION])).metric_tensor(POINTS)[1:3],
        changed[1:3],
        rtol=1e-5,
    )
    with pytest.raises(UserError, match="takes a condition beside latent points"):
        Pullback(model).metric_tensor(POINTS)


def test_each_pair_has_its_own_condition():
    keras.utils.set_random_seed(1)
    surface = Pullback(conditional(), condition=CONDITION)
    conditions = CONDITION + np.array([[0.0], [1.0], [-1.0]], np.float32)
    start, end = POINTS[[0, 1, 0]], POINTS[[2, 3, 2]]
    together = connect(surface, start, end, condition=conditions)
    for row, condition in enumerate(conditions):
        alone = connect(surface.given(condition), start[row : row + 1], end[row : row + 1])
        np.testing.assert_allclose(together.length[row], alone.length[0], rtol=1e-4)
        np.testing.assert_allclose(together.points(5)[row], alone.points(5)[0], atol=1e-2)
    assert together.length[0] != together.length[2]
    shared = connect(surface, start, end, condition=conditions[1])
    np.testing.assert_allclose(shared.length[1], together.length[1], rtol=1e-4)
    with pytest.raises(UserError, match=r"`condition` \(2, 3\) .* each of 3 pairs"):
        connect(surface, start, end, condition=conditions[:2])
    with pytest.raises(UserError, match="TensorField has no conditional decoder"):
        connect(TensorField(lambda z: tf.eye(2, batch_shape=tf.shape(z)[:-1])), start, end, condition=CONDITION)


def test_a_function_that_casts_is_computed_in_what_it_casts_to():
    surface = Pullback(lambda z: hidden(tf.cast(z, tf.float32)))
    assert surface.working_dtype(2, tf.float64) == tf.float32
    assert surface.volume(POINTS.astype(np.float64)).dtype == tf.float64


def test_an_operation_without_a_derivative_is_refused_in_one_line():
    """TFP sums the mean of a mixture over axes that are tensors, which has no derivative in open batches."""

    def mixture(z):
        parts = tf.reshape(hidden(z), [-1, 4, 3])
        return tfd.MixtureSameFamily(tfd.Categorical(logits=parts), tfd.Normal(parts, 1.0))

    with pytest.raises(UserError, match="return a TFP distribution in place of its mean"):
        connect(Pullback(lambda z: mixture(z).mean()), POINTS[:2], POINTS[2:])
    assert connect(Pullback(mixture), POINTS[:2], POINTS[2:]).converged.all()


def test_a_model_whose_layers_are_in_float64_computes_in_it():
    """Also where the global policy, which is that of the model itself, is float32."""
    ends = np.array([[1.0, 1.0]]), np.array([[1.0, 1.0 + 1e-8]])
    latents = keras.Input([2], dtype="float64")
    layers = [keras.layers.Dense(16, "tanh", dtype="float64"), keras.layers.Dense(5, dtype="float64")]
    chain = keras.Sequential([latents, *layers])
    for model in (chain, keras.Model(latents, layers[1](layers[0](latents)))):
        found = connect(Pullback(model), *ends)
        apart = np.linalg.norm(np.asarray(model(ends[1])) - np.asarray(model(ends[0])))
        np.testing.assert_allclose(found.length, apart, rtol=1e-6)
    single = keras.Sequential([keras.Input([2], dtype="float64"), keras.layers.Dense(5)])
    assert Pullback(single).working_dtype(2, tf.float64) == tf.float32


def test_a_dictionary_of_inputs():
    latents, condition = keras.Input([2], name="z"), keras.Input([3], name="y")
    dense = keras.layers.Dense(6)
    alone = keras.Model({"z": latents}, dense(latents))
    plain = keras.Model(latents, dense(latents))
    np.testing.assert_array_equal(Pullback(alone).volume(POINTS), Pullback(plain).volume(POINTS))
    both = keras.Model(
        {"z": latents, "y": condition}, keras.layers.Dense(6)(keras.layers.Concatenate()([latents, condition]))
    )
    with pytest.raises(UserError, match=r"of \['y', 'z'\].* wrap it, .*'z': z, 'y': condition"):
        Pullback(both, condition=[1.0, 0.0, 0.0])
    wrapped = Pullback(lambda z, y: both({"z": z, "y": y}), condition=[1.0, 0.0, 0.0])
    assert np.isfinite(wrapped.volume(POINTS)).all()


def test_what_takes_images_is_no_decoder():
    encoder = keras.Sequential([keras.Input([28, 28, 1]), keras.layers.Flatten(), keras.layers.Dense(2)])
    for given in (encoder, tf.function(encoder, input_signature=[tf.TensorSpec([None, 28, 28, 1])])):
        with pytest.raises(UserError, match=r"takes inputs of shape \(None, 28, 28, 1\), .* is it an encoder"):
            Pullback(given).volume(POINTS)
