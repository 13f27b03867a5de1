"""Tests of the user's own csv files."""

import csv

import numpy as np
import pytest

from tfgeo import datasets
from tfgeo.errors import UserError


def load(path, text, **recipe):
    path.write_text(text, encoding="utf-8")
    return datasets.load("csv", path=path, **recipe)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "my.csv"


def test_columns_and_labels_by_name(path):
    text = 'width,species,"height, cm"\n1.5,setosa,2\n-3e2,virginica,4\n0,setosa,.5\n'
    data = load(path, text, label_column="species")
    assert data.inputs.tolist() == [[1.5, 2.0], [-300.0, 4.0], [0.0, 0.5]]
    assert data.labels.tolist() == [0, 1, 0] and data.class_names == {0: "setosa", 1: "virginica"}
    assert data.name == "my" and data.notes == ()
    numbered = load(path, "a,b\n1,20\n2,3\n", label_column="b")
    assert numbered.labels.tolist() == [20, 3] and numbered.class_names is None
    assert load(path, "a,b\n1,20\n2,3\n").labels is None


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_numpy_writes_is_what_is_read(path, delimiter, end):
    x = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    for header in ("", delimiter.join("abcd")):
        np.savetxt(path, x, fmt="%.9g", delimiter=delimiter, header=header, comments="", newline=end)
        np.testing.assert_array_equal(datasets.load("csv", path=path).inputs, x)


def test_columns_without_a_header_are_called_by_their_number(path):
    data = load(path, "1.5,2,0\n3.5,4,1\n", label_column="3")
    assert data.inputs.tolist() == [[1.5, 2.0], [3.5, 4.0]] and data.labels.tolist() == [0, 1]


def test_an_index_without_a_name_is_left_out_with_a_note(path):
    data = load(path, ",0,1,label\n7,1.5,2,a\n8,3,4,b\n", label_column="label")
    assert data.inputs.tolist() == [[1.5, 2.0], [3.0, 4.0]] and "no name" in data.notes[0]


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("label", ["", ",kind"])
def test_a_first_line_that_counts_is_no_sample(path, start, label):
    words = ",x" if label else ""
    text = f"{start},{start + 1},{start + 2}{label}\n5,6,7{words}\n8,9,9{words}\n"
    data = load(path, text, label_column=label[1:])
    assert data.inputs.tolist() == [[5, 6, 7], [8, 9, 9]] and "counts" in data.notes[0]


def test_blank_lines_and_a_byte_order_mark(path):
    data = load(path, "\ufeffa,b\n\n1,2\n , \n3,4\n\n")
    assert data.inputs.tolist() == [[1, 2], [3, 4]]
    assert load(path, "\ufeffa,b\n1,2\n", label_column="a").labels.tolist() == [1]


def test_classes_and_standardization(path):
    text = "x,kind\n1,a\n3,b\n5,a\n"
    data = load(path, text, label_column="kind", classes=("a",), standardize=True)
    np.testing.assert_allclose(data.inputs, [[-1.0], [1.0]])
    assert data.labels.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("text", "recipe", "says"),
    [
        ("", {}, "is empty"),
        ("a,b\n", {}, "no samples"),
        ("a,b\n1,2\n3\n", {}, "line 3 of .* has 1 cells, the first has 2"),
        ("a,b\n1,\n", {}, "column 'b' of .* is empty in line 2"),
        ("a,b\n1,2\n\n3,x\n", {}, "column 'b' of .* holds 'x' in line 4.*label_column=b"),
        (
            "a;b\n1;0,126\n",
            {},
            "column 'b' of .* holds '0,126' in line 2, .*decimal comma; write .* points, 0.126, in",
        ),
        ("a;b\n1;x,1\n", {}, "'x,1' in line 2, not a number"),
        ("a,b\n1,nan\n", {}, "not finite"),
        ("a,b\n1,2\n", {"label_column": "c"}, "unknown column of .* 'c'.*there are a, b"),
        ("a,a\n1,2\n", {"label_column": "a"}, "2 columns called 'a'"),
        ("a,b\n1,\n", {"label_column": "b"}, "line 2 of .* has no label"),
        ("a\nx\n", {"label_column": "a"}, "no column of numbers"),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", {"label_column": "3"}, "may be a sample or names of columns"),
        ("0,1\n2,3\n", {}, "may be a sample or names of columns"),
        (",1.5,2\n1,2,3\n", {}, "may be a sample or names of columns"),
    ],
)
def test_wrong_tables_are_named_in_one_line(path, text, recipe, says):
    with pytest.raises(UserError, match=says) as caught:
        load(path, text, **recipe)
    assert "\n" not in str(caught.value) and "my" in str(caught.value)


def test_files_that_are_no_text(path, tmp_path):
    path.write_bytes(b"\xff\xfe\x00binary\x80")
    with pytest.raises(UserError, match="as csv"):
        datasets.load("csv", path=path)
    with pytest.raises(UserError, match="no file"):
        datasets.load("csv", path=tmp_path)
    path.write_text("a,b\n1," + "9" * (csv.field_size_limit() + 1))
    with pytest.raises(UserError, match="as csv"):
        datasets.load("csv", path=path)
