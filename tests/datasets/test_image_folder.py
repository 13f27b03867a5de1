"""Tests of the user's own folders of images, written by Pillow."""

import numpy as np
import pytest
from PIL import Image

from tfgeo import datasets
from tfgeo.datasets.resize import resize_bilinear
from tfgeo.errors import UserError

PIXELS = np.random.default_rng(0).integers(0, 256, size=(6, 4, 5)).astype(np.uint8)


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def load(folder, **recipe):
    return datasets.load("image_folder", path=folder, **recipe)


def test_sub_folders_are_labels_in_the_order_of_their_names(tmp_path):
    for index, name in enumerate(("dog/a.png", "dog/b.bmp", "cat/z.png", "cat/y.PNG", "ant/1.png", "ant/2.tif")):
        save(tmp_path / name, PIXELS[index])
    (tmp_path / "dog" / "notes.txt").write_text("no image")
    (tmp_path / "dog" / ".hidden.png").write_text("no image")
    (tmp_path / "__MACOSX").mkdir()
    data = load(tmp_path)
    assert data.labels.tolist() == [0, 0, 1, 1, 2, 2] and data.class_names == {0: "ant", 1: "cat", 2: "dog"}
    assert data.image_shape == (4, 5) and data.name == tmp_path.name
    np.testing.assert_allclose(data.inputs.reshape(6, 4, 5), PIXELS[[4, 5, 3, 2, 0, 1]] / 255.0, rtol=1e-6)
    assert len(data.notes) == 1 and "[0, 1]" in data.notes[0]
    assert load(tmp_path, classes=("dog", "ant")).labels.tolist() == [0, 0, 2, 2]


def test_images_without_sub_folders_have_no_labels_and_may_be_counts(tmp_path):
    for index in range(3):
        save(tmp_path / f"{index}.png", PIXELS[index])
    data = load(tmp_path, scale_bytes=False)
    assert data.labels is None and data.notes == ()
    np.testing.assert_array_equal(data.inputs.reshape(3, 4, 5), PIXELS[:3])


def test_images_of_several_sizes_are_scaled_to_squares(tmp_path):
    sizes = [(10, 8), (9, 12), (7, 7)]
    images = [np.random.default_rng(1).integers(0, 256, size=size).astype(np.uint8) for size in sizes]
    for index, image in enumerate(images):
        save(tmp_path / f"{index}.png", image)
    data = load(tmp_path)
    assert data.image_shape == (7, 7) and "3 sizes scaled to 7 x 7" in data.notes[0]
    for row, image in zip(data.inputs, images, strict=True):
        np.testing.assert_allclose(row.reshape(7, 7), resize_bilinear(image[None] / 255.0, 7)[0], atol=1e-6)
    assert load(tmp_path, size=4).image_shape == (4, 4)
    with pytest.raises(UserError, match=r"2\.png: `size`=8 is larger than the images of 7 x 7"):
        load(tmp_path, size=8)


def test_every_kind_of_pixel_becomes_grey_in_the_unit_interval(tmp_path):
    grey = PIXELS[0]
    colours = np.stack([grey] * 3, axis=-1)
    half = np.concatenate([colours, np.full((4, 5, 1), 0, np.uint8)], axis=-1)
    kinds = {
        "0.png": grey, "1.png": colours, "2.png": grey.astype(np.uint16) * 257, "3.png": half, "4.png": grey > 127
    }  # fmt: skip
    for name, pixels in kinds.items():
        save(tmp_path / name, pixels)
    found = load(tmp_path).inputs.reshape(5, 4, 5)
    for index, expected in enumerate([grey / 255, grey / 255, grey / 255, np.ones((4, 5)), grey > 127]):
        np.testing.assert_allclose(found[index], expected, atol=1e-6)


def test_photographs_are_turned_as_their_camera_says(tmp_path):
    image = Image.fromarray(PIXELS[0])
    exif = image.getexif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    image.save(tmp_path / "a.png", exif=exif)
    data = load(tmp_path)
    assert data.image_shape == (5, 4)
    np.testing.assert_allclose(data.inputs.reshape(5, 4), np.rot90(PIXELS[0], -1) / 255.0, atol=1e-6)


def test_wrong_folders_are_named_in_one_line(tmp_path):
    def message():
        with pytest.raises(UserError) as caught:
            load(tmp_path / "my")
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "no folder" in message()
    (tmp_path / "my").mkdir()
    assert "holds no images" in message()
    save(tmp_path / "my" / "a.png", PIXELS[0])
    (tmp_path / "my" / "cat").mkdir()
    assert "holds images (a.png) and sub-folders (cat)" in message()
    (tmp_path / "my" / "a.png").unlink()
    assert "my/cat holds no images; remove it" in message()
    save(tmp_path / "my" / "cat" / "train" / "a.png", PIXELS[0])
    assert "my/cat as the folder" in message()
    save(tmp_path / "my" / "cat" / "a.png", PIXELS[0])
    (tmp_path / "my" / "cat" / "b.png").write_bytes((tmp_path / "my" / "cat" / "a.png").read_bytes()[:60])
    assert "cannot read" in message() and "b.png" in message()
    (tmp_path / "my" / "cat" / "b.png").write_text("no image")
    assert "b.png" in message()
