"""Metrics of decoders that resize images, against the matrix of resizing, which is linear."""

import numpy as np
import pytest
import tensorflow as tf

from tfgeo.manifolds import Pullback
from tfgeo.manifolds.calculus.jacobian import jacobian_columns

Z = np.random.default_rng(3).normal(size=[4, 2]).astype(np.float32)
KERNEL = np.random.default_rng(4).normal(size=[2, 15]).astype(np.float32)
METHODS = ["bilinear", "nearest", "bicubic", "lanczos3"]


def small(z):
    """`[n, 2]` to images `[n, 3, 5, 1]`."""
    return tf.reshape(tf.tanh(z @ KERNEL), [-1, 3, 5, 1])


def resizing(method, antialias=False):
    """Resizing as a function of images, and its matrix `[15, 42]`."""

    def resize(images):
        return tf.image.resize(images, [6, 7], method, antialias=antialias)

    return resize, np.reshape(resize(np.eye(15, dtype=np.float32).reshape(15, 3, 5, 1)), [15, 42])


@pytest.mark.parametrize(("method", "antialias"), [*((method, False) for method in METHODS), ("bilinear", True)])
def test_metric_is_that_of_the_matrix(method, antialias):
    resize, matrix = resizing(method, antialias)
    by_matrix = Pullback(lambda z: tf.tanh(z @ KERNEL) @ matrix)
    surface = Pullback(lambda z: resize(small(z)))
    for compiled in (surface.metric_tensor, tf.function(surface.metric_tensor)):
        np.testing.assert_allclose(compiled(Z), by_matrix.metric_tensor(Z), rtol=1e-4)
    curves = np.linspace(Z[:2], Z[2:], 5, axis=1)
    for ours, theirs in zip(surface.quadratic_model(curves), by_matrix.quadratic_model(curves), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * np.abs(theirs).max())


@pytest.mark.parametrize("method", METHODS)
def test_second_derivatives_are_those_of_the_matrix(method):
    resize, matrix = resizing(method)

    def second(embedding):
        return jacobian_columns(lambda z: jacobian_columns(embedding, z), tf.constant(Z))

    np.testing.assert_allclose(
        second(lambda z: tf.reshape(resize(small(z)), [-1, 42])),
        second(lambda z: tf.tanh(z @ KERNEL) @ matrix),
        rtol=1e-3,
        atol=1e-4,
    )


def test_gradients_of_training_are_as_before():
    """The plain gradient of bilinear resizing, which has another rule now, is the transposed matrix."""
    resize, matrix = resizing("bilinear")
    images = tf.constant(np.random.default_rng(5).normal(size=[2, 3, 5, 1]), tf.float32)
    weights = tf.constant(np.random.default_rng(6).normal(size=[2, 6, 7, 1]), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        loss = tf.reduce_sum(weights * resize(images))
    expected = np.reshape(weights, [2, 42]) @ matrix.T
    np.testing.assert_allclose(np.reshape(tape.gradient(loss, images), [2, 15]), expected, rtol=1e-4, atol=1e-5)
