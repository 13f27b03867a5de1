"""Numbers that a paper prints."""

from __future__ import annotations

import dataclasses
import re

__all__ = ["Reported"]


@dataclasses.dataclass(frozen=True)
class Reported:
    """What the paper prints for an experiment; None where it prints nothing.

    Attributes:
      geodesic: accuracy of k-medoids on geodesic distance, in [0, 1].
      euclidean: accuracy of k-medoids on Euclidean latent distance.
      spectral: accuracy of spectral clustering of the data.
      source: tables or figures, such as "Table III" or "Tables 2, 3".
      f1_geodesic: F1 of k-medoids on geodesic distance, in [0, 1].
      f1_euclidean: F1 of k-medoids on Euclidean latent distance.
      log_likelihood: log p(x) of held-out samples, mean, in nats.
      log_likelihood_std: standard deviation of repeated estimates of it.
      negative_elbo_sum: negative evidence lower bound, summed over the held-out samples, in nats.
      reconstruction_train: relative squared error of reconstructed training samples.
      reconstruction_test: that of held-out samples.
      length_geodesic: length of the geodesic, in data units, which depend on the data's scale.
      length_straight: length of the straight latent line.
      pair_length_geodesic: the same of a single pair, where the paper prints that beside a mean over pairs.
      pair_length_straight: likewise.
    """

    geodesic: float | None = None
    euclidean: float | None = None
    spectral: float | None = None
    source: str = ""
    f1_geodesic: float | None = None
    f1_euclidean: float | None = None
    log_likelihood: float | None = None
    log_likelihood_std: float | None = None
    negative_elbo_sum: float | None = None
    reconstruction_train: float | None = None
    reconstruction_test: float | None = None
    length_geodesic: float | None = None
    length_straight: float | None = None
    pair_length_geodesic: float | None = None
    pair_length_straight: float | None = None

    @property
    def length_ratio(self) -> float | None:
        """Length of the geodesic over that of the straight line: no scale of the data is in it."""
        if self.length_geodesic is None or self.length_straight is None:
            return None
        return self.length_geodesic / self.length_straight

    @property
    def pair_ratio(self) -> float | None:
        """The same of a single pair: the only kind that a paper prints where it prints one pair of lengths."""
        if self.pair_length_geodesic is None or self.pair_length_straight is None:
            return self.length_ratio
        return self.pair_length_geodesic / self.pair_length_straight

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables among the sources: ("2", "3") of "Tables 2, 3; Figure 1"."""
        listed = re.findall(r"Tables? ([^;]*)", self.source)
        return tuple(name for names in listed for name in re.split(r"[,\s]+(?:and\s+)?", names) if name)
