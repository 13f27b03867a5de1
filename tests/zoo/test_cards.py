"""Cards as people read them, and what to cite."""

import re

import pytest

import zoo
from tfgeo.errors import UserError
from zoo import cards
from zoo.catalogue import CATALOGUE, catalogue_text, thumbnail_path

SHIPPED = [name for name in zoo.names() if cards.card_path(name).exists()]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_card_reads_as_prose(name):
    card = zoo.card(name)
    text = str(card)
    assert text.startswith(f"# {name}\n") and card["sha256"] in text and card["command"] in text
    for part in ("Model", "Data", "Training", "Weights"):
        assert f"**{part}.**" in text
    # Tables are whole: as many cells in each line as in the first.
    for table in re.findall(r"(?:^\|.*\n?)+", text, re.M):
        assert len({line.count("|") for line in table.strip().splitlines()}) == 1
    assert "None" not in text and "{" not in text


def test_measured_stands_beside_reported():
    lines = str(zoo.card("yang2018/mnist_012")).splitlines()
    assert "| accuracy, geodesic | 0.9778 ± 0.0111 | 1 | -0.0222 |" in lines
    assert any(line.startswith("| log likelihood, flow | ") and " | -110.6 | " in line
               for line in str(zoo.card("chadebec2020/rhvae_mnist_012")).splitlines())  # fmt: skip


def test_a_card_is_still_its_numbers():
    card = zoo.card("yang2018/two_moons")
    assert card["measured"]["accuracy"]["geodesic"] == 1.0 and card._repr_markdown_() == str(card)


@pytest.mark.parametrize("name", [name for name in zoo.names() if zoo.config(name).paper])
def test_every_entry_of_a_paper_can_be_cited(name):
    text = zoo.cite(name)
    assert text.count("{") == text.count("}") and re.match(r"@\w+\{\w+,\n", text)
    year = re.search(r"\d{4}", zoo.config(name).paper)[0]
    assert f"year = {{{year}}}" in text


def test_unknown_names_cannot_be_cited():
    with pytest.raises(UserError, match="two_moons"):
        zoo.cite("yang2018/two_moon")


def test_the_catalogue_is_up_to_date():
    assert CATALOGUE.read_text(encoding="utf-8") == catalogue_text(), "run `make catalogue DATA=FOLDER`"


def test_every_plane_of_the_catalogue_has_a_picture():
    planes = [name for name in SHIPPED if zoo.config(name).network.latent_dim == 2]
    for name in planes:
        path = thumbnail_path(name)
        assert (
            path.exists()
            and path.stat().st_size < 50_000
            and str(path.relative_to(CATALOGUE.parent)) in catalogue_text()
        )
