"""Runs of one entry with different settings: a paper's grid, or a study of what a paper leaves free."""

from __future__ import annotations

import dataclasses

from zoo.config import Reported

__all__ = ["Setting", "Study", "vary"]


@dataclasses.dataclass(frozen=True)
class Setting:
    """One row of a study.

    Attributes:
      name: what the row is called.
      flags: what its run is given beside the entry.
      reported: what the paper prints for it.
    """

    name: str
    flags: tuple[str, ...]
    reported: Reported = dataclasses.field(default_factory=Reported)


@dataclasses.dataclass(frozen=True)
class Study:
    """Runs of one entry with different settings.

    Attributes:
      entry: the entry.
      name: name of the study in the entry's card.
      question: what it asks, one line.
      settings: its rows.
      answer: what its rows show; empty for a paper's table, whose rows stand beside the reported ones.
      table: the table that holds these rows: the paper's, beside the entry's own, or one of ours, which is made
        where it is asked for by name; empty for a study by which settings are chosen, on seeds that are not
        reported.
    """

    entry: str
    name: str
    question: str
    settings: tuple[Setting, ...]
    answer: str = ""
    table: str = ""

    @property
    def is_printed(self) -> bool:
        """Whether the paper prints its rows."""
        return any(setting.reported.source for setting in self.settings)


def vary(field: str, *values: object, weights: str = "train") -> tuple[Setting, ...]:
    """A setting for each value of one field of the configuration."""
    first = () if weights == "train" else (f"--weights={weights}",)
    return tuple(
        Setting(",".join((*first, f"{field}={value}")), (*first, f"--config.{field}={value}")) for value in values
    )
