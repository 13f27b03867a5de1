"""Tests of the chairs' loader, on images that the tests render."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tfgeo import datasets
from tfgeo.errors import UserError


def render(folder, num_models=3, num_views=4, size=40):
    """White pictures with a seat and four legs that turn."""
    for model in range(num_models):
        renders = folder / "rendered_chairs" / f"model_{model:02d}" / "renders"
        renders.mkdir(parents=True)
        for view in range(num_views):
            image = Image.new("RGB", (size, size), "white")
            draw = ImageDraw.Draw(image)
            turned = 90 * view / num_views
            for corner in range(4):
                x = size / 2 + 10 * np.cos(np.deg2rad(turned + 90 * corner))
                draw.line([(x, size / 2), (x, size - 5)], fill="black", width=1 + model)
            draw.rectangle([8, size / 2 - 3, size - 8, size / 2], fill=(90, 60, 30))
            image.save(renders / f"image_{view:03d}_p020_t{int(turned):03d}_r096.png")


def test_views_are_grey_with_a_background_of_0(tmp_path):
    render(tmp_path)
    data = datasets.load("chairs", tmp_path, size=20)
    assert data.inputs.shape == (12, 400) and data.image_shape == (20, 20)
    assert data.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    images = data.inputs.reshape(-1, 20, 20)
    assert np.all(images[:, 0] == 0.0) and data.inputs.min() == 0.0 and 0.5 < data.inputs.max() <= 1.0
    # Legs below the seat, nothing above it; thicker legs are darker.
    assert np.all(images[:, :7] == 0.0) and np.all(images[:, 12:].sum(axis=(1, 2)) > 0.0)
    assert images[8:, 12:].sum() > images[:4, 12:].sum()
    first = datasets.load("chairs", tmp_path, size=20, num_models=1)
    np.testing.assert_array_equal(first.inputs, data.inputs[:4])


def test_what_is_missing_or_damaged_is_named(tmp_path):
    with pytest.raises(UserError, match=r"rendered_chairs has no folders MODEL/renders; get rendered_chairs\.tar"):
        datasets.load("chairs", tmp_path)
    render(tmp_path, 1, 1)
    view = next((tmp_path / "rendered_chairs").rglob("*.png"))
    with pytest.raises(UserError, match="`size`=64 is larger"):
        datasets.load("chairs", tmp_path)
    whole = view.read_bytes()
    view.write_bytes(whole[:60])
    with pytest.raises(UserError, match="cannot be read as an image"):
        datasets.load("chairs", tmp_path, size=20)
    Image.new("L", (30, 20)).save(view)
    with pytest.raises(UserError, match="30 x 20 pixels, but views are square"):
        datasets.load("chairs", tmp_path, size=20)
    view.unlink()
    with pytest.raises(UserError, match=r"holds no \.png"):
        datasets.load("chairs", tmp_path, size=20)
