"""TensorFlow's start without its lines on the hardware."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

__all__ = ["quiet"]


def quiet(begin: Callable[[], None] | None = None) -> None:
    """Imports TensorFlow without the lines that its C++ side logs, and mutes those that would follow.

    Call it before TensorFlow is imported: later it mutes nothing of what was said. Python's own warnings and errors
    are not touched. A `TF_CPP_MIN_LOG_LEVEL` that is set stays as it is.

    Args:
      begin: what is to come before anything that TensorFlow computes, such as making a strategy of several
        processes, which it refuses later.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    # Some lines come before the level is read.
    kept, silent = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 2)
    try:
        import tensorflow as tf

        if begin is not None:
            begin()
        tf.zeros(1)
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(silent)
