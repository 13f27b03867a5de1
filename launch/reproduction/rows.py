"""What launch.reproduce runs: the rows of a paper's tables, and studies of the settings that it leaves free."""

from __future__ import annotations

import dataclasses
import pathlib

from tfgeo.errors import UserError, unknown_name_error
from zoo import registry
from zoo.config import EntryConfig, Reported
from zoo.studies import STUDIES
from zoo.study import Study

__all__ = ["Row", "rows_of_paper", "rows_of_study", "studies_of"]


@dataclasses.dataclass(frozen=True)
class Row:
    """Runs of one entry with the same settings, over seeds.

    Attributes:
      entry: the entry.
      name: what a table calls the row.
      flags: what its program is given beside the entry.
      reported: what the paper prints.
      folder: where its runs go, under the output folder.
      study: the study that it belongs to, or None for the entry as it is.
    """

    entry: EntryConfig
    name: str
    flags: tuple[str, ...]
    reported: Reported
    folder: pathlib.Path
    study: Study | None = None


def rows_of_paper(paper: str | None, table: str | None) -> list[Row]:
    """The rows of one table, or of all a paper's entries; an entry's own row comes before those of its study.

    Entries that run beside another one have no rows of their own.

    Raises:
      UserError: if there is no such paper or table.
    """
    papers = list(dict.fromkeys(name.split("/")[0] for name in registry.names() if registry.config(name).paper))
    if paper not in papers:
        raise unknown_name_error("paper", str(paper), papers, f"--paper is one of {', '.join(papers)}")
    entries = [registry.config(name) for name in registry.names(f"{paper}/*")]
    beside = {name for entry in entries for name in (*entry.interpolation.beside, *entry.generation.beside)}
    rows = []
    for entry in entries:
        if entry.name not in beside:
            rows.append(Row(entry, entry.name, (), entry.reported, pathlib.Path(entry.name)))
        for study in STUDIES:
            if study.entry == entry.name and study.table and (study.is_printed or table is not None):
                rows += rows_of_study(study)
    if table is None:
        return rows
    chosen = [row for row in rows if table in _tables_of(row)]
    if not chosen:
        tables = list(dict.fromkeys(name for row in rows for name in _tables_of(row)))
        raise UserError(f"--table={table} is not a table of {paper}; there are {', '.join(tables) or 'none'}")
    return chosen


def _tables_of(row: Row) -> tuple[str, ...]:
    return tuple(row.reported.tables) if row.study is None else (row.study.table,)


def studies_of(paper: str) -> list[Study]:
    """The studies of settings that the paper leaves free."""
    return [study for study in STUDIES if study.entry.startswith(f"{paper}/") and not study.table]


def rows_of_study(study: Study) -> list[Row]:
    """A row for each setting."""
    entry = registry.config(study.entry)
    folder = pathlib.Path("studies") / study.entry / study.name
    return [
        Row(
            entry,
            f"{entry.name}, {setting.name}",
            setting.flags,
            setting.reported,
            folder / setting.name.replace("/", "_").replace(" ", "_"),
            study,
        )
        for setting in study.settings
    ]
