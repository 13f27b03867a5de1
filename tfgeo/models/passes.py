"""Passes over the data: which samples each step takes, whoever takes them, and where they are read from."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfgeo.datasets import StoredRows
from tfgeo.errors import UserError, check_count
from tfgeo.randomness import derive_seed

__all__ = ["Passes"]

# Batches that are made while others are trained on.
PREFETCHED = 4


class Passes:
    """The batches of a training, in an order that depends on the seed and the pass alone.

    Args:
      inputs: `[n, D]` data; of `StoredRows` each batch reads its samples.
      batch_size: samples of a batch, at most n.
      seed: seed of the order.
      drop_remainder: whether the last, incomplete batch of a pass is left out.

    Attributes:
      data: `inputs`, as a tensor unless they stay on disk.
      batch_size: samples of a batch; n where that is smaller.
      steps: batches of a pass.
      failure: what a reader of stored samples said of them, which TensorFlow passes on as a text alone.
    """

    def __init__(self, inputs: np.ndarray, batch_size: int, seed: int, drop_remainder: bool) -> None:
        self.failure: UserError | None = None
        self._num = len(inputs)
        self._seed = seed
        self.batch_size = min(check_count("batch_size", batch_size), self._num)
        # Where there is no remainder all batches have one shape.
        self._drop_remainder = drop_remainder or self._num % self.batch_size == 0
        whole, rest = divmod(self._num, self.batch_size)
        self.steps = whole + (rest > 0 and not self._drop_remainder)
        self.data = inputs if isinstance(inputs, StoredRows) else tf.constant(inputs)

    def batches(self, passes: range) -> tf.data.Dataset:
        """The batches of these passes, each `[m, D]`."""

        def of_pass(number: tf.Tensor) -> tf.data.Dataset:
            rows = tf.data.Dataset.from_tensor_slices(self._shuffle(number))
            return rows.batch(self.batch_size, self._drop_remainder)

        rows = tf.data.Dataset.range(passes.start, passes.stop).flat_map(of_pass)
        return rows.map(self._read).prefetch(PREFETCHED)

    def shares(self, passes: range, context: tf.distribute.InputContext) -> tf.data.Dataset:
        """The shares of these batches that a process's replicas train on, of which no other process reads one.

        Returns:
          For each batch, one after the other, that of each replica of the process: samples `[m, D]`, the place of
          the first one in the batch, and the size of the batch. Without end.
        """
        replicas = context.num_replicas_in_sync
        here = replicas // context.num_input_pipelines
        first = context.input_pipeline_id * here
        size = tf.constant(self.batch_size, tf.int64)

        def of_pass(number: tf.Tensor) -> tf.data.Dataset:
            rows = self._shuffle(number)

            def share(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
                begin = index // here * size
                total = tf.minimum(size, self._num - begin)
                replica = first + index % here
                low, high = total * replica // replicas, total * (replica + 1) // replicas
                return rows[begin + low : begin + high], tf.cast(low, tf.int32), tf.cast(total, tf.int32)

            return tf.data.Dataset.range(self.steps * here).map(share)

        rows = tf.data.Dataset.range(passes.start, passes.stop).flat_map(of_pass)
        # Repeated so that no replica asks the others before every step whether they have something left.
        return rows.map(lambda rows, *place: (self._read(rows), *place)).repeat().prefetch(PREFETCHED)

    def _shuffle(self, number: tf.Tensor) -> tf.Tensor:
        """Row numbers of a pass in its order."""
        return tf.random.experimental.stateless_shuffle(
            tf.range(self._num),
            tf.random.experimental.stateless_fold_in(derive_seed(self._seed, "order"), tf.cast(number, tf.int32)),
        )

    def _read(self, rows: tf.Tensor) -> tf.Tensor:
        """Samples `[m, D]` of row numbers `[m]`."""
        if not isinstance(self.data, StoredRows):
            return tf.gather(self.data, rows)
        values = tf.numpy_function(self._read_stored, [rows], tf.float32, stateful=False)
        return tf.ensure_shape(values, [None, self.data.shape[1]])

    def _read_stored(self, rows: np.ndarray) -> np.ndarray:
        try:
            return self.data[rows]
        except UserError as error:
            self.failure = error
            raise
