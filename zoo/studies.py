"""Studies of all papers; `launch.reproduce` runs them."""

from __future__ import annotations

from zoo import chadebec2020
from zoo.study import Study, vary

__all__ = ["STUDIES"]

STUDIES = (
    Study(
        "yang2018/mnist_012",
        "gap",
        "When does Euclidean latent distance fall behind geodesic distance (reported 0.80 against 1)?",
        vary("training.epochs", 1, 5)
        + vary("network.output_variance", 0.02, 0.5)
        + vary("data.samples_per_class", 15, weights="pretrained"),
        "After one or five epochs both distances are poor. Once trained, the gap grows with the output variance, "
        "which draws the classes together in latent space: half as wide at 0.02, full at the entry's 0.1 (0.978 "
        "against 0.869 over five seeds) and at 0.5. With half the samples it hangs on the draw. Classes 0 and 1 "
        "alone leave none (yang2018/mnist_01).",
    ),
    *chadebec2020.STUDIES,
)
