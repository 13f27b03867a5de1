"""The wheel and the source distribution hold all that is used, and nothing else."""

import email
import os
import pathlib
import tarfile
import zipfile

import pytest

import tfgeo
from tests.packaging.build import build, source_files

# What either may weigh, in bytes. Nearly all of it are trained weights.
MOST_BYTES = 64 * 2**20


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    # From where one is, as the Makefile says it.
    return build(pathlib.Path(os.path.relpath(tmp_path_factory.mktemp("dist"))))


@pytest.fixture(scope="module")
def wheel(built):
    with zipfile.ZipFile(built[1]) as archive:
        yield archive


def test_the_wheel_has_every_file_of_the_packages_and_no_other(wheel):
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    tracked = {name for name in source_files() if pathlib.Path(name).parts[0] in ("tfgeo", "zoo", "launch")}
    assert held == tracked
    assert {"tfgeo/py.typed", "zoo/py.typed", "zoo/CATALOGUE.md", "tfgeo/explorer/web/page.html"} <= held


def test_the_source_distribution_has_what_builds_it(built):
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "setup.py",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "zoo/weights/yang2018/two_moons.weights.h5",
    } <= names


def test_both_are_small(built):
    assert max(path.stat().st_size for path in built) < MOST_BYTES


def test_metadata_say_version_licence_and_command(wheel):
    (folder,) = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    metadata = email.message_from_bytes(wheel.read(f"{folder}/METADATA"))
    assert metadata["Name"] == "tfgeo" and metadata["Version"] == tfgeo.__version__
    assert metadata["License"] == "Apache-2.0" and set(metadata["Requires-Python"].split(",")) == {
        ">=3.10",
        "<3.14",
    }
    assert metadata.get_payload().startswith("# tfgeo")
    assert "tfgeo = launch.console:main" in wheel.read(f"{folder}/entry_points.txt").decode()
    assert any(name.endswith("LICENSE") for name in wheel.namelist() if ".dist-info/" in name)
