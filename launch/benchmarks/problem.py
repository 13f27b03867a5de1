"""The decoder, pairs and latent points that a benchmark runs on."""

from __future__ import annotations

import dataclasses
import pathlib
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.errors import UserError, unknown_name_error
from tfgeo.layers.precision import squared_distances
from tfgeo.manifolds import ExpectedPullback, Manifold, Pullback
from tfgeo.randomness import generator

__all__ = ["DecoderProblem", "load_problem", "make_problem", "read_arrays"]

tfd = tfp.distributions

ACTIVATIONS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "tanh": tf.tanh,
    "relu": tf.nn.relu,
    "softplus": tf.nn.softplus,
    "elu": tf.nn.elu,
    "sigmoid": tf.sigmoid,
    "linear": tf.identity,
}

# Key -> its axes, one letter each: d latent, H hidden and D data dimension, K basis functions, B pairs, n points.
MEAN_KEYS = {"W1": "dH", "b1": "H", "W2": "HD", "b2": "D"}
SIGMA_KEYS = {"rbf_centers": "Kd", "rbf_gamma": "K", "rbf_W": "KD", "rbf_floor": ""}
POINT_KEYS = {"pairs200_start": "Bd", "pairs200_end": "Bd", "latents": "nd"}
MORE_PAIRS = {"pairs1000_start": "Cd", "pairs1000_end": "Cd"}

_REMEDY = "write the file by np.savez(path, W1=..., b1=..., ...), as `python -m launch.benchmark --help` lists"


@dataclasses.dataclass(frozen=True, eq=False)
class DecoderProblem:
    """A decoder with one hidden layer and a precision of radial basis functions, and where to measure it.

    The mean is `output(hidden(z W1 + b1) W2 + b2)`; the standard deviation is the inverse root of
    `exp(-gamma_k |z - c_k|^2) W + floor`.

    Attributes:
      source: where it comes from, for people.
      arrays: float32 weights, `start` and `end` `[B, d]` and `latents` `[n, d]`.
      hidden_activation: name of the hidden layer's activation.
      output_activation: name of the mean's activation.
    """

    source: str
    arrays: Mapping[str, np.ndarray]
    hidden_activation: str = "tanh"
    output_activation: str = "sigmoid"

    @property
    def sizes(self) -> dict[str, int]:
        """Latent, hidden and data dimension, basis functions, pairs and latent points."""
        arrays = self.arrays
        latent_dim, hidden = arrays["W1"].shape
        return {
            "latent_dim": latent_dim,
            "hidden": hidden,
            "data_dim": arrays["W2"].shape[1],
            "basis_functions": len(arrays["rbf_gamma"]) if "rbf_gamma" in arrays else 0,
            "pairs": len(arrays["start"]),
            "latents": len(arrays["latents"]),
        }

    @property
    def latents(self) -> np.ndarray:
        """`[n, d]` latent points."""
        return self.arrays["latents"]

    def pairs(self, num: int) -> tuple[np.ndarray, np.ndarray]:
        """The first pairs, `[num, d]` each.

        Raises:
          UserError: if there are fewer.
        """
        start, end = self.arrays["start"], self.arrays["end"]
        if num > len(start):
            raise UserError(f"--num_pairs={num} is more than the {len(start)} pairs of the problem; lower it")
        return start[:num], end[:num]

    def mean(self, z: tf.Tensor) -> tf.Tensor:
        """`[..., d]` to `[..., D]`, in the precision of `z`."""
        hidden = ACTIVATIONS[self.hidden_activation](self._affine(z, "W1", "b1"))
        return ACTIVATIONS[self.output_activation](self._affine(hidden, "W2", "b2"))

    def stddev(self, z: tf.Tensor) -> tf.Tensor:
        """`[..., d]` to `[..., D]`, in the precision of `z`."""
        centers, gamma, weights, floor = (tf.constant(self.arrays[key], z.dtype) for key in SIGMA_KEYS)
        features = tf.exp(-gamma * squared_distances(z, centers))
        return tf.math.rsqrt(tf.tensordot(features, weights, 1) + floor)

    def manifold(self, metric: str) -> Manifold:
        """The manifold of the metric "mean" or "expected"."""
        if metric == "mean":
            return Pullback(self.mean)
        return ExpectedPullback(lambda z: tfd.Normal(self.mean(z), self.stddev(z)))

    def flops_per_point(self, metric: str) -> float:
        """Floating-point operations of the matrix products of one decoder pass at one point."""
        keys = ["W1", "W2"] if metric == "mean" else ["W1", "W2", "rbf_centers", "rbf_W"]
        return 2.0 * sum(self.arrays[key].size for key in keys)

    def _affine(self, values: tf.Tensor, weights: str, bias: str) -> tf.Tensor:
        weights, bias = (tf.constant(self.arrays[key], values.dtype) for key in (weights, bias))
        return tf.tensordot(values, weights, 1) + bias


def load_problem(path: str, metrics: Sequence[str]) -> DecoderProblem:
    """Reads a problem file.

    Args:
      path: npz with the keys of `MEAN_KEYS`, `SIGMA_KEYS` (for the metric "expected"), `POINT_KEYS` and
        optionally `MORE_PAIRS`, `hidden_activation`, `output_activation` and `source`.
      metrics: those that will be measured.

    Raises:
      UserError: if it cannot be read, or a key is missing, misshapen or not finite; names the key.
    """
    content = read_arrays(path)
    needed = MEAN_KEYS | POINT_KEYS | (SIGMA_KEYS if "expected" in metrics else {})
    for key in needed:
        if key not in content:
            hint = "; or measure --metrics=mean only" if key in SIGMA_KEYS else ""
            raise UserError(f"{path} has no `{key}` [{_axes(needed[key])}]; {_REMEDY}{hint}")
    if any(key in content for key in MORE_PAIRS):
        needed |= MORE_PAIRS
    sizes: dict[str, int] = {}
    arrays = {key: _check_array(path, key, content.get(key), axes, sizes) for key, axes in needed.items()}
    if "rbf_W" in arrays and (
        arrays["rbf_W"].min() < 0 or arrays["rbf_gamma"].min() < 0 or arrays["rbf_floor"] <= 0
    ):
        raise UserError(f"{path}: `rbf_W` and `rbf_gamma` may not be negative and `rbf_floor` must be above 0, "
                        "so that the precision is positive; give their values, not logarithms")  # fmt: skip
    pairs = {
        side: np.concatenate(
            [arrays.pop(f"pairs{num}_{side}") for num in (200, 1000) if f"pairs{num}_{side}" in arrays]
        )
        for side in ("start", "end")
    }
    names = {key: str(content.get(key, default)) for key, default in
             (("hidden_activation", "tanh"), ("output_activation", "sigmoid"))}  # fmt: skip
    for key, name in names.items():
        if name not in ACTIVATIONS:
            raise unknown_name_error(f"`{key}` in {path}", name, ACTIVATIONS, f"known are {', '.join(ACTIVATIONS)}")
    source = f"{pathlib.Path(path).name} ({content.get('source', 'source not stated')})"
    return DecoderProblem(source, arrays | pairs, **names)


def make_problem(seed: int, data_dim: int = 784, hidden: int = 500, latent_dim: int = 2) -> DecoderProblem:
    """A decoder of random weights: nothing was trained, but geodesics bend and shapes are those of MNIST."""
    rng = generator(seed, "benchmark problem")
    num_basis = 64

    def normal(*shape: int, scale: float = 1.0) -> np.ndarray:
        return (scale * rng.normal(size=shape)).astype(np.float32)

    latents = normal(3000, latent_dim)
    arrays: dict[str, Any] = {
        "W1": normal(latent_dim, hidden, scale=np.sqrt(2.0 / latent_dim)),
        "b1": normal(hidden),
        "W2": normal(hidden, data_dim, scale=3.0 / np.sqrt(hidden)),
        "b2": normal(data_dim),
        "rbf_centers": latents[:num_basis],
        # Bandwidth 1/2 in the plane, about the distance of neighbouring centres; squared distances grow with d.
        "rbf_gamma": np.full(num_basis, 4.0 / latent_dim, np.float32),
        "rbf_W": np.exp(normal(num_basis, data_dim, scale=0.5)) * np.float32(20.0),
        "rbf_floor": np.float32(1.0),
        "latents": latents,
        "start": latents[num_basis : num_basis + 1200],
        "end": latents[num_basis + 1200 : num_basis + 2400],
    }
    return DecoderProblem(f"built in: untrained random weights of seed {seed}", arrays)


def read_arrays(path: str) -> dict[str, np.ndarray]:
    """All arrays of an npz file.

    Raises:
      UserError: if there is none, or it holds something else.
    """
    file = pathlib.Path(path).expanduser()
    if not file.is_file():
        raise UserError(f"there is no file {file}; {_REMEDY}")
    try:
        with np.load(file, allow_pickle=False) as content:
            return {key: content[key] for key in content.files}
    except (AttributeError, EOFError, OSError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{file} cannot be read as an npz of plain arrays ({error}); {_REMEDY}") from error


def _check_array(path: str, key: str, value: Any, axes: str, sizes: dict[str, int]) -> np.ndarray:
    """A float32 array whose axes agree with those of the keys before it, which `sizes` remembers."""
    if value is None:
        raise UserError(f"{path} has no `{key}` [{_axes(axes)}], but the other one of the two; give both or none")
    if value.dtype.kind not in "biuf" or value.ndim != len(axes):
        raise UserError(f"`{key}` in {path} is {value.dtype} {value.shape}, but must be numbers [{_axes(axes)}]; "
                        "reshape it")  # fmt: skip
    for axis, size in zip(axes, value.shape, strict=True):
        if size != sizes.setdefault(axis, size) or size == 0:
            known = ", ".join(f"{name} = {number}" for name, number in sizes.items() if name in axes)
            raise UserError(f"`{key}` in {path} has shape {value.shape}, but must be [{_axes(axes)}] with {known} "
                            "as the arrays before it have, and none of them 0; reshape it")  # fmt: skip
    value = value.astype(np.float32)
    if not np.isfinite(value).all():
        raise UserError(f"`{key}` in {path} has values that are not finite; remove or replace them")
    return value


def _axes(axes: str) -> str:
    return ", ".join(axes)
