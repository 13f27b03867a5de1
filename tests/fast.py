"""How TensorFlow traces graphs faster than for users: tests trace thousands of them and run each a few times."""

import os

# What `make test-all` sets: all is as for users.
OPTIMIZES_GRAPHS = os.environ.get("TFGEO_TEST_OPTIMIZE_GRAPHS", "0") != "0"


def optimize_graphs(optimize):
    """Whether graphs are optimized before they run: on small ones that takes longer than it saves."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": not optimize})


def forget_lines_of_operations():
    """Gives all operations of graphs one and the same stack of Python's calls, which TensorFlow's errors show."""
    from tensorflow.python.framework import ops

    tf_stack = getattr(ops, "tf_stack", None)  # private: where it has moved, tests take a fifth longer
    if hasattr(tf_stack, "extract_stack"):
        stack = tf_stack.extract_stack()
        tf_stack.extract_stack = lambda stacklevel=1: stack
