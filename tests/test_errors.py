"""Tests of tfgeo.errors: every check accepts what it should and names what it refuses."""

import math
import subprocess
import sys

import numpy as np
import pytest

from tfgeo import errors
from tfgeo.errors import UserError


def message_of(function, *args, **kwargs):
    """The message of the UserError that a call must raise; one line."""
    with pytest.raises(UserError) as caught:
        function(*args, **kwargs)
    message = str(caught.value)
    assert message and "\n" not in message
    return message


def test_user_error_is_one_line_and_a_value_error():
    error = UserError("first\n  second\r\n\nthird")
    assert str(error) == "first second third"
    assert isinstance(error, ValueError)


def test_nearest_names_puts_the_closest_first_and_ignores_case():
    options = ["yang2018/two_moons", "yang2018/mnist", "chen2018/digits"]
    assert errors.nearest_names("Yang2018/two_moon", options)[0] == "yang2018/two_moons"
    assert errors.nearest_names("zzz", options) == []
    assert len(errors.nearest_names("yang2018/", ["yang2018/a", "yang2018/b"], num=1)) == 1


def test_unknown_name_error_names_the_close_one_and_the_remedy():
    remedy = "`python -m launch.catalogue` lists all"
    close = str(errors.unknown_name_error("zoo entry", "yang2018/two_moon", ["yang2018/two_moons"], remedy))
    assert close == (
        "unknown zoo entry 'yang2018/two_moon'; did you mean 'yang2018/two_moons'? "
        "`python -m launch.catalogue` lists all."
    )
    far = str(errors.unknown_name_error("zoo entry", "zzz", ["yang2018/two_moons"], remedy))
    assert "did you mean" not in far and remedy in far


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float32, np.float64])
def test_check_data_accepts_real_dtypes_and_keeps_values(dtype):
    values = np.array([[0, 1], [1, 0], [1, 1]], dtype)
    checked = errors.check_data(values, "inputs", width=2)
    assert checked.dtype == np.float32 and checked.flags.c_contiguous
    np.testing.assert_array_equal(checked, values.astype(np.float32))


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ([[1.0], [2.0, 3.0]], "not an array"),
        ([["a", "b"]], "not real numbers"),
        ([[1j]], "not real numbers"),
        (np.ma.masked_less([[1.0, -1.0]], 0.0), "masked values; fill them"),
        ([1.0, 2.0], "(2,)"),
        (np.zeros((2, 2, 2)), "(2, 2, 2)"),
        (np.zeros((0, 2)), "empty"),
        (np.zeros((2, 0)), "empty"),
    ],
)
def test_check_data_refuses(inputs, says):
    message = message_of(errors.check_data, inputs, "table")
    assert says in message and "`table`" in message


def test_check_data_counts_and_locates_what_is_not_finite():
    values = np.zeros((4, 3))
    values[2, 1], values[3, 0] = np.nan, np.inf
    message = message_of(errors.check_data, values, "inputs")
    assert "2 of 12 values" in message and "row 2, column 1 (nan)" in message


def test_check_data_refuses_values_that_overflow_float32():
    assert "row 0, column 0" in message_of(errors.check_data, [[1e300]], "inputs")


def test_check_data_says_both_widths():
    message = message_of(errors.check_data, np.zeros((5, 3)), "inputs", width=784)
    assert "3 columns" in message and "784" in message


def test_check_counts_names_the_first_that_is_none():
    errors.check_counts(np.array([[0.0, 3.0], [7.0, 16777216.0]]), "table")
    for wrong in (-1.0, 0.5):
        message = message_of(errors.check_counts, np.array([[1.0, 2.0], [3.0, wrong]]), "table")
        assert f"row 1, column 1 is {wrong:g}" in message and "table" in message


def test_check_writable_folder_creates_parents_and_leaves_nothing(tmp_path):
    folder = errors.check_writable_folder(tmp_path / "a" / "b")
    assert folder.is_dir() and list(folder.iterdir()) == []
    assert errors.check_writable_folder(str(folder)) == folder


def test_check_writable_folder_refuses_a_file_and_a_file_as_parent(tmp_path):
    file = tmp_path / "file"
    file.write_text("kept")
    assert str(file) in message_of(errors.check_writable_folder, file)
    assert str(file / "sub") in message_of(errors.check_writable_folder, file / "sub")
    assert file.read_text() == "kept"


def test_check_writable_folder_says_why_writing_fails(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    # Root ignores permission bits, so the refusal is simulated.
    monkeypatch.setattr(errors.tempfile, "NamedTemporaryFile", refuse)
    message = message_of(errors.check_writable_folder, tmp_path)
    assert str(tmp_path) in message and "Permission denied" in message


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, "1", None, True])
def test_check_positive_refuses(value):
    assert "`step`" in message_of(errors.check_positive, "step", value)


@pytest.mark.parametrize("value", [0.999, -math.inf, math.inf, math.nan, "2", None, True])
def test_check_at_least_refuses(value):
    assert "at least 1" in message_of(errors.check_at_least, "step", value, 1)


@pytest.mark.parametrize("value", [0, 1.0, 2.5, math.nan, "2", None, True])
def test_check_count_refuses(value):
    assert "at least 1" in message_of(errors.check_count, "num", value)


def test_number_checks_return_the_value():
    assert errors.check_positive("step", np.float32(0.5)) == 0.5
    assert errors.check_at_least("step", 1, 1) == 1.0
    assert errors.check_count("num", np.int64(3)) == 3


def test_errors_and_datasets_import_neither_tensorflow_nor_sklearn():
    code = (
        "import sys, tfgeo.errors, tfgeo.datasets; "
        "print([m for m in ('tensorflow', 'keras', 'sklearn', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
