"""Studies of all papers; `launch.reproduce` runs them."""

from __future__ import annotations

from zoo import chadebec2020
from zoo.study import Setting, Study, vary

__all__ = ["STUDIES"]


def _networks(entry: str, *settings: tuple[str, tuple[str, ...]]) -> Study:
    """Other readings of the networks of Yang et al. (2018), beside the entry's."""
    return Study(
        f"yang2018/{entry}",
        "networks",
        "What do the networks change, read to the letter?",
        (
            Setting("as the entry is", ()),
            *(Setting(name, tuple(f"--config.network.{value}" for value in values)) for name, values in settings),
        ),
        "See docs/papers/yang2018.md.",
    )


STUDIES = (
    # Footnote 1 names two steps each way, "from 784 to 500 and from 500 to 2". With a layer for each number that is
    # named, encoder_units=500,2, every training seen collapses.
    _networks("mnist_012", ("two layers of 500", ("encoder_units=500,500", "decoder_units=500,500"))),
    # Footnote 2: H-dec "from 100 to 200 and from 200 to 500 and from 500 to 784".
    _networks("fashion_tshirt_sandal", ("a last layer of 784", ("decoder_units=100,200,500,784",))),
    # Sec. V-C.5 takes the networks of Fashion-MNIST, whose M-dec is a sigmoid.
    _networks("emnist_D_d", ("sigmoid mean", ("mean_activation=sigmoid",))),
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
