"""A convolutional decoder of random weights to benchmark on: 28 x 28 images by two transposed convolutions."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from launch.benchmarks.problem import ACTIVATIONS, DecoderProblem
from tfgeo.randomness import generator

__all__ = ["ConvolutionalProblem", "make_convolutional", "transposed_convolution"]

# Side and channels of the first feature map, channels after the first convolution, side of the kernels, stride.
SIDE, CHANNELS, MIDDLE_CHANNELS, KERNEL, STRIDE = 7, 32, 16, 4, 2
IMAGE_SIDE = SIDE * STRIDE**2


class ConvolutionalProblem(DecoderProblem):
    """The mean is a dense layer to `[7, 7, 32]` and transposed convolutions to `[14, 14, 16]` and `[28, 28, 1]`.

    The standard deviation is that of `DecoderProblem`.
    """

    @property
    def sizes(self) -> dict[str, int]:
        """Latent, hidden and data dimension, basis functions, pairs and latent points."""
        latent_dim, hidden = self.arrays["W1"].shape
        return {
            "latent_dim": latent_dim,
            "hidden": hidden,
            "data_dim": IMAGE_SIDE**2,
            "basis_functions": len(self.arrays["rbf_gamma"]),
            "pairs": len(self.arrays["start"]),
            "latents": len(self.arrays["latents"]),
        }

    def mean(self, z: tf.Tensor) -> tf.Tensor:
        """`[..., d]` to `[..., D]`, in the precision of `z`."""
        activation = ACTIVATIONS[self.hidden_activation]
        rows = tf.reshape(z, [-1, z.shape[-1]])
        images = tf.reshape(activation(self._affine(rows, "W1", "b1")), [-1, SIDE, SIDE, CHANNELS])
        images = activation(self._convolve(images, "K1", "c1"))
        images = ACTIVATIONS[self.output_activation](self._convolve(images, "K2", "c2"))
        return tf.reshape(images, tf.concat([tf.shape(z)[:-1], [IMAGE_SIDE**2]], axis=0))

    def flops_per_point(self, metric: str) -> float:
        """Floating-point operations of the products of one decoder pass at one point."""
        # A transposed convolution meets each input with the whole kernel.
        first, second = (
            (SIDE * scale) ** 2 * self.arrays[name].size for scale, name in ((1, "K1"), (STRIDE, "K2"))
        )
        deviation = 0 if metric == "mean" else self.arrays["rbf_centers"].size + self.arrays["rbf_W"].size
        return 2.0 * (self.arrays["W1"].size + first + second + deviation)

    def _convolve(self, images: tf.Tensor, kernel: str, bias: str) -> tf.Tensor:
        weights, bias = (tf.constant(self.arrays[key], images.dtype) for key in (kernel, bias))
        side = STRIDE * images.shape[1]
        shape = tf.stack([tf.shape(images)[0], side, side, weights.shape[2]])
        images = tf.nn.conv2d_transpose(images, weights, shape, STRIDE)
        return tf.ensure_shape(images, [None, side, side, weights.shape[2]]) + bias


def transposed_convolution(images: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """What TensorFlow's does with these kernels, in NumPy: `[n, S, S, c]` to `[n, 2 S, 2 S, C]`.

    Each input is spread over the outputs around it, weighted by the kernel `[4, 4, C, c]`.
    """
    num, side = images.shape[:2]
    spread = np.zeros([num, STRIDE * side + STRIDE, STRIDE * side + STRIDE, kernel.shape[2]], images.dtype)
    for row, column in np.ndindex(KERNEL, KERNEL):
        rows, columns = (slice(first, first + STRIDE * side, STRIDE) for first in (row, column))
        spread[:, rows, columns] += images @ kernel[row, column].T
    return spread[:, 1:-1, 1:-1]


def make_convolutional(dense: DecoderProblem, seed: int) -> ConvolutionalProblem:
    """The problem with the pairs, latents and deviations of a `dense` one of random weights."""
    rng = generator(seed, "convolutional benchmark problem")
    latent_dim, hidden = dense.sizes["latent_dim"], SIDE**2 * CHANNELS

    def normal(*shape: int, scale: float = 1.0) -> np.ndarray:
        return (scale * rng.normal(size=shape)).astype(np.float32)

    # Each output of a kernel sums over a quarter of its places and all channels that come in.
    fan_in = KERNEL**2 / STRIDE**2
    arrays = dict(dense.arrays) | {
        "W1": normal(latent_dim, hidden, scale=np.sqrt(2.0 / latent_dim)),
        "b1": normal(hidden),
        "K1": normal(KERNEL, KERNEL, MIDDLE_CHANNELS, CHANNELS, scale=2.0 / np.sqrt(fan_in * CHANNELS)),
        "c1": normal(MIDDLE_CHANNELS),
        "K2": normal(KERNEL, KERNEL, 1, MIDDLE_CHANNELS, scale=3.0 / np.sqrt(fan_in * MIDDLE_CHANNELS)),
        "c2": normal(1),
    }
    return ConvolutionalProblem(f"{dense.source}, convolutional", arrays)
