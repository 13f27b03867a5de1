"""What processes of tests need of others' code, imported once for all of them: see `tests/processes.py`.

Imports alone: TensorFlow's runtime must not have begun where a process is forked.
"""

import tfgeo.explorer  # noqa: F401
