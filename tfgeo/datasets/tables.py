"""Data of the user's own, from a text file of comma-separated values."""

from __future__ import annotations

import csv
import os
import pathlib
import re
from collections.abc import Iterator, Sequence

import numpy as np

from tfgeo.datasets.dataset import Dataset
from tfgeo.datasets.user import make_dataset, user_file
from tfgeo.errors import UserError, unknown_name_error

__all__ = ["csv_table"]

_DELIMITERS = ",;\t"
_REMEDY = "a first line of column names, then a line of numbers for each sample"
# What spreadsheets of many languages write for 0.126.
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d*,\d+([eE][-+]?\d+)?\s*")
# Column names in a message at most.
_MAX_LISTED = 20

# A row of a file with the number of its line.
_Row = tuple[int, list[str]]


def csv_table(
    path: str | os.PathLike[str],
    label_column: str = "",
    classes: Sequence[int | str] = (),
    standardize: bool = False,
) -> Dataset:
    """Samples of a csv file, one a line; the label is a column of any name, all others are numbers.

    Cells are separated by commas, semicolons or tabs. The first line names the columns; a file of numbers without
    such a line is taken, too, and its columns are called by their number, from 1. A first column without a name, as
    pandas writes its index, is left out.

    Args:
      path: the file, in UTF-8.
      label_column: name of the column of labels; empty for none. Integers are kept, other labels are numbered
        0, 1, ... in sorted order.
      classes: labels to keep, numbers or words; by default all.
      standardize: whether each column is brought to mean 0 and standard deviation 1; a constant one becomes 0.

    Returns:
      `[n, D]` samples in the order of the file, named as the file without its ending.

    Raises:
      UserError: if there is no such file, a cell is empty or no number, or a line is longer or shorter than others;
        says where.
    """
    file = user_file(path, "a csv file", _REMEDY)
    rows = _read_rows(file)
    names, rows, notes = _split_header(rows, file)
    label_index = _find_label(names, label_column, file)
    skipped = {0} if names[0] == "" else set()
    if skipped:
        notes.append(f"the first column of {file}, which has no name, is left out")
    columns = [index for index in range(len(names)) if index != label_index and index not in skipped]
    if not columns:
        raise UserError(f"{file} has no column of numbers beside its labels; give {_REMEDY}.")
    x = np.empty((len(rows), len(columns)), np.float64)
    labels = []
    for row, (line, cells) in enumerate(rows):
        if len(cells) != len(names):
            raise UserError(f"line {line} of {file} has {len(cells)} cells, the first has {len(names)}; mend it.")
        try:
            x[row] = [float(cells[index]) for index in columns]
        except ValueError:
            raise _explain(cells, columns, names, line, file) from None
        if label_index is not None:
            labels.append(cells[label_index].strip())
            if not labels[-1]:
                raise UserError(f"line {line} of {file} has no label in column {label_column}; label every line.")
    y = None if label_index is None else _type_labels(labels)
    called = [names[index] for index in columns]
    return make_dataset(x, y, file, "the table", classes, standardize, notes=notes, columns=called)


def _read_rows(file: pathlib.Path) -> list[_Row]:
    """The rows that are not blank."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            first = stream.readline()
            stream.seek(0)
            delimiter = max(_DELIMITERS, key=first.count)
            rows = list(_numbered(csv.reader(stream, delimiter=delimiter)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot read {file} as csv ({error}); give {_REMEDY}, in UTF-8.") from error
    if not rows:
        raise UserError(f"{file} is empty; give {_REMEDY}.")
    return rows


def _numbered(reader: Iterator[list[str]]) -> Iterator[_Row]:
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num, cells  # type: ignore[attr-defined]


def _split_header(rows: list[_Row], file: pathlib.Path) -> tuple[list[str], list[_Row], list[str]]:
    """Column names, the samples' rows, and a note where the first row may have been meant otherwise."""
    first = [cell.strip() for cell in rows[0][1]]
    named = first[first[0] == "" :]  # without the index
    numeric = [_is_number(cell) for cell in named]
    counted = [cell for cell, is_number in zip(named, numeric, strict=True) if is_number]
    counts = any(counted == [str(start + index) for index in range(len(counted))] for start in (0, 1))
    if not counted or (counts and named != first):
        return first, _samples(rows, file), []
    if counts and len(counted) > 2:
        return first, _samples(rows, file), [f"the first line of {file}, which counts its columns, is no sample"]
    if all(numeric) and not counts and named == first:
        return [str(index + 1) for index in range(len(first))], rows, []
    if len(rows) > 1 and [_is_number(cell.strip()) for cell in rows[1][1]][-len(named) :] != numeric:
        return first, _samples(rows, file), []
    raise UserError(
        f"the first line of {file} may be a sample or names of columns ({', '.join(first[:_MAX_LISTED])}); give "
        "columns names that are no numbers, in a first line."
    )


def _samples(rows: list[_Row], file: pathlib.Path) -> list[_Row]:
    if len(rows) < 2:
        raise UserError(f"{file} has names of columns, but no samples; give {_REMEDY}.")
    return rows[1:]


def _find_label(names: list[str], label_column: str, file: pathlib.Path) -> int | None:
    if not label_column:
        return None
    found = [index for index, name in enumerate(names) if name == label_column]
    if len(found) > 1:
        raise UserError(f"{file} has {len(found)} columns called {label_column!r}; rename all but one.")
    if not found:
        listed = ", ".join(names[:_MAX_LISTED])
        raise unknown_name_error(f"column of {file}", label_column, names, f"there are {listed}")
    return found[0]


def _explain(cells: list[str], columns: list[int], names: list[str], line: int, file: pathlib.Path) -> UserError:
    """The error for the first cell that is no number."""
    index = next(index for index in columns if not _is_number(cells[index]))
    where = f"column {names[index]!r} of {file}"
    if not cells[index].strip():
        return UserError(f"{where} is empty in line {line}; fill it, or leave the line out.")
    if _DECIMAL_COMMA.fullmatch(cells[index]):
        return UserError(
            f"{where} holds {cells[index]!r} in line {line}, a number with a decimal comma; write decimal points, "
            f"{cells[index].strip().replace(',', '.')}, in all columns."
        )
    return UserError(
        f"{where} holds {cells[index]!r} in line {line}, not a number; if it is the label, set "
        f"--config.data.label_column={names[index]}, else leave the column out."
    )


def _type_labels(labels: list[str]) -> np.ndarray:
    """Labels as integers where all are, else as words."""
    try:
        return np.array([int(label) for label in labels], np.int64)
    except (ValueError, OverflowError):
        return np.array(labels)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
