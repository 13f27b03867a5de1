"""The OASIS loader on small Analyze files written here in the layout of the archives."""

import sys

import numpy as np
import pytest

from tfgeo import datasets
from tfgeo.errors import UserError

nibabel = pytest.importorskip("nibabel")

RAW = "RAW/{}_mpr-1_anon.hdr"
AVERAGED = "PROCESSED/MPRAGE/SUBJ_111/{}_mpr_n4_anon_sbj_111.hdr"
SIDE, SLICES = 24, 10


def random_volume(seed, shape=(SIDE, SIDE, SLICES, 1)):
    return np.random.default_rng(seed).integers(0, 3000, shape).astype(np.int16)


def write(folder, session, volume, name=RAW, orient=2):
    """A session's scan as OASIS stores it: 16-bit big-endian Analyze."""
    path = folder / session / name.format(session)
    path.parent.mkdir(parents=True, exist_ok=True)
    header = nibabel.AnalyzeImage.header_class(endianness=">")
    header.set_data_dtype(np.int16)
    header["orient"] = bytes([orient])
    nibabel.AnalyzeImage(volume, np.eye(4), header).to_filename(path)
    return path


def message_of(folder, **recipe):
    with pytest.raises(UserError) as caught:
        datasets.load("oasis", data_dir=folder, **{"size": 12, **recipe})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_middle_slices_are_upright_and_scaled_one_by_one(tmp_path):
    volumes = [random_volume(seed) for seed in range(3)]
    volumes[1] //= 7
    # Not in the order of the subjects, and some in a disc's folder.
    write(tmp_path / "oasis", "OAS1_0007_MR1", volumes[2])
    write(tmp_path / "oasis" / "disc1", "OAS1_0002_MR1", volumes[0])
    write(tmp_path / "oasis" / "disc2", "OAS1_0005_MR1", volumes[1], orient=0)
    write(tmp_path / "oasis" / "disc2", "OAS1_0005_MR2", random_volume(9))
    data = datasets.load("oasis", data_dir=tmp_path, size=SIDE)
    assert data.image_shape == (SIDE, SIDE) and data.labels is None and len(data) == 3
    for image, volume in zip(data.inputs.reshape(3, SIDE, SIDE), volumes, strict=True):
        middle = volume[:, :, SLICES // 2, 0].astype(float)
        for row, column in ((0, 0), (3, 20), (SIDE - 1, 1)):
            # Analyze counts sagittal rows from below.
            expected = middle[column, SIDE - 1 - row] / middle.max()
            np.testing.assert_allclose(image[row, column], expected, rtol=1e-6)
    data.check_unit_interval()


def test_flipped_scans_are_upright_too(tmp_path):
    volume = random_volume(0)
    write(tmp_path / "a" / "oasis", "OAS1_0001_MR1", volume)
    write(tmp_path / "b" / "oasis", "OAS1_0001_MR1", volume[:, ::-1], orient=5)
    sums = [datasets.load("oasis", data_dir=tmp_path / name, size=12).checksum() for name in "ab"]
    assert sums[0] == sums[1]


def test_down_sampling_averages_pixels_after_scaling(tmp_path):
    write(tmp_path / "oasis", "OAS1_0001_MR1", random_volume(0))
    whole, half = (datasets.load("oasis", data_dir=tmp_path, size=size) for size in (SIDE, SIDE // 2))
    means = whole.inputs.reshape(SIDE // 2, 2, SIDE // 2, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(half.inputs.reshape(means.shape), means, rtol=1e-5)
    assert "`size`" in message_of(tmp_path, size=SIDE + 1)


def test_averaged_scans(tmp_path):
    write(tmp_path / "oasis", "OAS1_0001_MR1", random_volume(0))
    assert "averaged" in message_of(tmp_path, scan="mean")
    message = message_of(tmp_path, scan="averaged")
    assert "OAS1_0001_MR1" in message and "SUBJ_111" in message
    write(tmp_path / "oasis", "OAS1_0001_MR1", random_volume(1), AVERAGED)
    averaged, raw = (datasets.load("oasis", data_dir=tmp_path, size=12, scan=scan) for scan in ("averaged", "raw"))
    assert averaged.checksum() != raw.checksum()


def test_values_below_zero_are_air(tmp_path):
    volume = random_volume(0)
    volume[:3] = -5
    write(tmp_path / "oasis", "OAS1_0001_MR1", volume)
    image = datasets.load("oasis", data_dir=tmp_path, size=SIDE).inputs.reshape(SIDE, SIDE)
    assert image[:, :3].max() == 0.0 and image.max() == 1.0


def test_folders_without_scans(tmp_path):
    assert str(tmp_path / "oasis") in message_of(tmp_path) and "sites.wustl.edu" in message_of(tmp_path)
    (tmp_path / "oasis" / "OAS1_0001_MR1" / "RAW").mkdir(parents=True)
    assert "OAS1_0001_MR1 has no RAW/" in message_of(tmp_path)


@pytest.mark.parametrize(
    ("volume", "says"),
    [
        (random_volume(0, (12, 24, 10, 1)), "(12, 24, 10)"),
        (random_volume(0, (24, 24, 10, 2)), "(24, 24, 10, 2)"),
        (np.zeros((24, 24, 10, 1), np.int16), "empty"),
    ],
)
def test_other_volumes(tmp_path, volume, says):
    path = write(tmp_path / "oasis", "OAS1_0001_MR1", volume)
    message = message_of(tmp_path)
    assert says in message and str(path) in message


def test_three_dimensions_do_as_well(tmp_path):
    volume = random_volume(0)
    write(tmp_path / "a" / "oasis", "OAS1_0001_MR1", volume)
    write(tmp_path / "b" / "oasis", "OAS1_0001_MR1", volume[..., 0])
    sums = [datasets.load("oasis", data_dir=tmp_path / name, size=12).checksum() for name in "ab"]
    assert sums[0] == sums[1]


@pytest.mark.parametrize("damage", ["no image", "short image", "short header", "no header"])
def test_damaged_files(tmp_path, damage):
    header = write(tmp_path / "oasis", "OAS1_0001_MR1", random_volume(0))
    image = header.with_suffix(".img")
    if damage == "no image":
        image.unlink()
    elif damage == "short image":
        image.write_bytes(image.read_bytes()[:500])
    elif damage == "short header":
        header.write_bytes(header.read_bytes()[:100])
    else:
        header.write_bytes(b"\0" * 348)
    assert str(header) in message_of(tmp_path)


def test_without_nibabel_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "nibabel", None)
    assert "pip install nibabel" in message_of(tmp_path)
