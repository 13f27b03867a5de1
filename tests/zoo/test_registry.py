"""Every entry of the zoo, from the registry: a new one is tested the day it is added."""

import dataclasses
import json

import pytest

import zoo
from tfgeo import datasets
from tfgeo.errors import UserError
from zoo.config import from_dict, to_dict


@pytest.mark.parametrize("name", zoo.names())
def test_config_is_hashable_and_survives_json(name):
    config = zoo.config(name)
    assert config.name == name
    assert from_dict(json.loads(json.dumps(to_dict(config)))) == config
    assert hash(config) == hash(dataclasses.replace(config))
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.name = "other"


@pytest.mark.parametrize("name", zoo.names())
def test_settings_name_things_that_exist(name):
    from tfgeo import clustering, curves
    from tfgeo.geodesics.connect import SOLVERS
    from tfgeo.geodesics.pairwise import DISTANCES

    config = zoo.config(name)
    assert config.data.name in datasets.names()
    assert config.geodesics.solver in SOLVERS
    assert config.geodesics.curve in curves.names()
    assert config.geodesics.distance in DISTANCES
    assert config.clustering.method in clustering.K_MEDOIDS_METHODS
    assert config.variance.num_components <= 100


def test_names_match_patterns_and_keep_their_order():
    assert zoo.names("yang2018/*")[0] == "yang2018/two_moons"
    assert set(zoo.names("*/two_moons")) == {"yang2018/two_moons", "gimli2018/two_moons"}
    assert zoo.names("nothing*") == []


def test_unknown_entry_names_the_nearest():
    with pytest.raises(UserError, match="yang2018/two_moons"):
        zoo.config("yang2018/two_moon")
    with pytest.raises(UserError, match="unknown zoo entry"):
        zoo.card("../../etc/passwd")
