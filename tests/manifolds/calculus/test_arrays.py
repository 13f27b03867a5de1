"""Numbers that come as objects and in data frames: taken, or refused with the place of what is none."""

import decimal
import fractions

import numpy as np
import pytest
import tensorflow as tf

from tests.manifolds.decoders.kinds import hidden
from tfgeo.errors import UserError
from tfgeo.geodesics import connect, exponential_map, frechet_mean, logarithm_map, pairwise, parallel_transport
from tfgeo.geodesics.latents import as_latents
from tfgeo.manifolds import Interpolated, Pullback
from tfgeo.manifolds.calculus.arrays import as_array

NUMBERS = [
    [1, 2.5],
    [np.float32(3.5), np.int64(4)],
    [True, decimal.Decimal("0.25")],
    [fractions.Fraction(1, 2), 7.0],
]


class NAType:
    """Called as pandas calls its own."""


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.array(NUMBERS, dtype=object), np.float64),
        (np.array([[1, 2], [3, 4]], dtype=object), np.int64),
        (np.array([[1.0, 2.0]], tf.bfloat16.as_numpy_dtype), np.float32),
        (tf.constant([[1.0, 2.0]], tf.bfloat16), np.float32),
        (np.array([[1.0, 2.0]], np.longdouble), np.float64),
        (np.array([[1.0, 2.0]], np.float16), np.float16),
        (np.zeros([0, 2], dtype=object), np.float64),
    ],
)
def test_numbers_are_taken_in_whatever_dtype(values, dtype):
    array = as_array(values, "`x`", "[n, d]")
    assert array.dtype == dtype and array.shape == values.shape
    np.testing.assert_array_equal(array, np.asarray(values, np.float64))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, r"the value at \[1, 0\] is missing \(None\); fill it"),
        (NAType(), r"the value at \[1, 0\] is missing"),
        ("2.5", r"the value at \[1, 0\] is '2.5'; give numbers alone"),
        (b"2", "numbers alone"),
        (1j, r"\[1, 0\] is 1j"),
        ([1.0], r"\[1, 0\] is \[1.0\]"),
    ],
)
def test_what_is_no_number_is_named_with_its_place(value, said):
    table = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=object)
    table[1, 0] = value
    for ask in (lambda: as_latents(table, "points"), lambda: Pullback(hidden).volume(table)):
        with pytest.raises(UserError, match=said) as caught:
            ask()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([["a"]], "`x` must be .n, d. real numbers, but hold <U1"),
        ([[1j]], "hold complex128"),
        (np.array(["2020-01-01"], "M8[D]"), "hold datetime64"),
        (np.zeros(2, [("x", float), ("y", float)]), "hold .*'x'"),
        ([[1.0], [2.0, 3.0]], "make no array .*rows of one length"),
        (np.ma.masked_less([[1.0, -1.0]], 0.0), "some are masked; fill them, or leave their rows out"),
        (np.ma.masked_equal(np.array([[1, 2]], object), 2), "some are masked"),
    ],
)
def test_other_dtypes_are_named(values, said):
    with pytest.raises(UserError, match=said):
        as_array(values, "`x`", "[n, d]")


@pytest.mark.parametrize("values", [np.ma.masked_less([[1.0, -1.0]], 0.0), np.array([[1.0 + 1j, 0.0]])])
def test_masked_and_complex_points_are_refused_at_every_door(values):
    surface, z = Pullback(hidden), np.zeros([1, 2])
    doors = {
        "start": lambda: connect(surface, values, z),
        "end": lambda: logarithm_map(surface, z, values),
        "z": lambda: exponential_map(surface, values, z),
        "v": lambda: exponential_map(surface, z, values),
        "path": lambda: parallel_transport(surface, values, z[0]),
        "points": lambda: frechet_mean(surface, values),
        "points ": lambda: pairwise(surface, values, progress=False),
        "points  ": lambda: Interpolated.around(surface, values),
        "latent points": lambda: surface.volume(values),
    }
    for name, enter in doors.items():
        name = name.strip()
        with pytest.raises(
            UserError, match=f"{name}.* must be .* real numbers, but (some are masked|hold complex)"
        ):
            enter()


def test_a_mask_that_hides_nothing_is_none():
    values = np.ma.masked_less([[1.0, 2.0]], 0.0)
    np.testing.assert_array_equal(as_latents(values, "points"), [[1.0, 2.0]])


def test_a_number_that_is_not_finite_is_one():
    table = np.array([[1.0, float("nan")]], dtype=object)
    assert np.isnan(as_array(table, "`x`", "[n, d]")[0, 1])


def test_a_data_frame_gives_its_numbers():
    pandas = pytest.importorskip("pandas")
    z = np.random.default_rng(0).normal(size=[4, 2])
    columns = {"a": z[:, 0], "b": z[:, 1]}
    plain = pandas.DataFrame(columns, index=list("wxyz"))
    surface = Pullback(hidden)
    expected = surface.volume(z)
    of_frames = [plain, plain.astype(object), plain.astype("Float64"), plain.astype({"a": object, "b": "Float64"})]
    for frame in of_frames:
        np.testing.assert_allclose(surface.volume(frame), expected, rtol=1e-6)
        assert as_latents(frame, "points").dtype == np.float64
    for dtype in ("Int64", "Float32", "Int8", "boolean"):
        values = as_array(plain.round().clip(0, 1).astype(dtype), "`x`", "[n, d]")
        np.testing.assert_array_equal(values, plain.round().clip(0, 1))
    assert as_latents(plain.astype("Float32"), "points").dtype == np.float32
    # A row or a column of a frame, as a point.
    np.testing.assert_allclose(surface.volume(plain.astype("Float64").iloc[0]), expected[0], rtol=1e-6)
    np.testing.assert_allclose(
        connect(surface, plain.iloc[:2], plain.astype("Float64").iloc[2:]).length,
        connect(surface, z[:2], z[2:]).length,
    )


def test_what_is_missing_in_a_data_frame_is_named():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.5, 1.5, 2.5]}, index=["first", "second", "third"])
    surface = Pullback(hidden)
    for dtype, missing in (("Float64", pandas.NA), ("Int64", None), (object, None), (object, pandas.NA)):
        holed = frame.round().astype(dtype)
        holed.loc["second", "b"] = missing
        for ask in (surface.volume, lambda z: pairwise(surface, z, progress=False)):
            with pytest.raises(UserError, match="the value in row 'second' of column 'b' is missing"):
                ask(holed)
    with pytest.raises(UserError, match="the value in row 'first' of column 'c' is 'x'"):
        surface.volume(frame.assign(c=["x", "y", "z"]))
    # NaN in a column of floats is a number that is not finite: the pair fails alone.
    holed = frame.copy()
    holed.loc["second", "b"] = np.nan
    np.testing.assert_array_equal(np.isnan(surface.volume(holed)), [False, True, False])
