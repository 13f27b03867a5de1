"""Lengths of many straight latent segments: the edge weights of graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tfgeo.manifolds import Manifold, Pullback

__all__ = ["SegmentLengths"]

# Decoded nodes are kept to be shared by their edges up to this many bytes; beyond it memory matters more than time.
MAX_DECODED_BYTES = 2**30


class SegmentLengths:
    """Riemannian lengths of straight segments, in blocks of one shape that are compiled once.

    Args:
      manifold: the manifold.
      num_points: T, points on each segment at which the manifold measures it, the ends included.
      block_size: segments that are measured together.
      progress: whether to show progress bars.
    """

    def __init__(
        self, manifold: Manifold, num_points: int = 5, block_size: int = 512, progress: bool = False
    ) -> None:
        self.manifold = manifold
        self.num_points = num_points
        self.block_size = block_size
        self.progress = progress
        embedding_fn = _embedding_fn(manifold)
        self._embed: Any = None if embedding_fn is None else tf.function(embedding_fn, autograph=False)
        self._whole = tf.function(self._whole_lengths, autograph=False)
        self._joined = tf.function(self._joined_lengths, autograph=False)

    def __call__(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Lengths of the segments from `start` to `end`, each `[E, d]`: `[E]` float64."""
        lengths = np.zeros(len(start))
        for rows, padded in self._blocks(len(start), "segments"):
            lengths[rows] = self._whole(start[padded], end[padded]).numpy()[: len(rows)]
        return lengths

    @property
    def decodes(self) -> bool:
        """Whether lengths are sums of decoded differences: at least the distance of the decoded ends."""
        return self._embed is not None

    def embed(self, points: np.ndarray) -> np.ndarray:
        """Decoded points, where `decodes`: `[n, d]` to `[n, M]`, n at least 1."""
        embedded = self.embed_to_share(points, max_bytes=None)
        if embedded is None:
            raise TypeError(f"{type(self.manifold).__name__} has no embedding whose differences are its lengths")
        return embedded

    def embed_to_share(self, points: np.ndarray, max_bytes: int | None = MAX_DECODED_BYTES) -> np.ndarray | None:
        """As `embed`; None where there is no embedding, or decoded points would take more than `max_bytes`."""
        if self._embed is None:
            return None
        embedded: np.ndarray | None = None
        for rows, padded in self._blocks(len(points), "nodes"):
            block = self._embed(points[padded]).numpy()
            if embedded is None:
                if max_bytes is not None and len(points) * block[0].nbytes > max_bytes:
                    return None
                embedded = np.empty([len(points), block.shape[-1]], block.dtype)
            embedded[rows] = block[: len(rows)]
        return embedded

    def between(self, points: np.ndarray, pairs: np.ndarray, embedded: np.ndarray | None = None) -> np.ndarray:
        """Lengths of the segments between rows of `points`.

        Args:
          points: `[n, d]`.
          pairs: `[E, 2]` rows of `points`.
          embedded: `[n, M]` what `embed_to_share` gave for `points`, or None. With it only the inner points of a
            segment are decoded, instead of each node once for each of its edges.

        Returns:
          `[E]` float64.
        """
        if embedded is None:
            return self(points[pairs[:, 0]], points[pairs[:, 1]])
        lengths = np.zeros(len(pairs))
        for rows, padded in self._blocks(len(pairs), "edges"):
            first, last = pairs[padded].T
            block = self._joined(points[first], points[last], embedded[first], embedded[last])
            lengths[rows] = block.numpy()[: len(rows)]
        return lengths

    def _whole_lengths(self, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
        t = tf.linspace(tf.constant(0.0, start.dtype), 1.0, self.num_points)
        return self.manifold.length(_segments(start, end, tf.ensure_shape(t, [self.num_points])))

    def _joined_lengths(self, start: tf.Tensor, end: tf.Tensor, first: tf.Tensor, last: tf.Tensor) -> tf.Tensor:
        """What `Pullback.length` computes, where the ends are decoded already."""
        values = [first[:, None], last[:, None]]
        if self.num_points > 2:
            t = tf.linspace(tf.constant(0.0, start.dtype), 1.0, self.num_points)[1:-1]
            values.insert(1, self._embed(_segments(start, end, tf.ensure_shape(t, [self.num_points - 2]))))
        decoded = tf.concat(values, axis=1)
        return tf.reduce_sum(tf.norm(decoded[:, 1:] - decoded[:, :-1], axis=-1), axis=-1)

    def _blocks(self, num: int, name: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows of each block, and the same rows padded with their first to one shape for all blocks."""
        size = max(1, min(self.block_size, num))
        with tqdm(total=num, desc=name, unit=name[:-1], disable=not self.progress) as bar:
            for first in range(0, num, size):
                rows = np.arange(first, min(first + size, num))
                yield rows, np.concatenate([rows, np.full(size - len(rows), first)])
                bar.update(len(rows))


def _segments(start: tf.Tensor, end: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    """Points at `t` `[T]` of the segments between `[B, d]` ends: `[B, T, d]`."""
    return start[:, None] + t[:, None] * (end - start)[:, None]


def _embedding_fn(manifold: Manifold) -> Callable[[tf.Tensor], tf.Tensor] | None:
    """The embedding whose decoded differences this manifold's lengths are, or None.

    A subclass of `Pullback` that measures lengths in a way of its own has none: its lengths need not be at
    least the distance of the decoded ends.
    """
    kind = type(manifold)
    if (
        isinstance(manifold, Pullback)
        and kind.length is Pullback.length
        and kind.segment_energies is Pullback.segment_energies
    ):
        return manifold.embedding
    return None
