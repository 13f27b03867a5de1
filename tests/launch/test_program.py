"""What the command line makes of an entry's configuration."""

import pytest

from launch import program
from tfgeo.errors import UserError

RHVAE = "chadebec2020/rhvae_mnist_012"


def config_of(*overrides, entry=RHVAE):
    values = program.entry_flags()
    argv = ["program", f"--entry={entry}", "--output_dir=unused"]
    argv += [f"--config.{override}" for override in overrides]
    program._parse(values, argv, configurable=True)
    return program.read_config(values)


def test_parts_of_an_objective_are_given_one_by_one():
    flow = config_of("flow.objective=released", "flow.momentum_density=True", "flow.gradient=flow").flow
    assert flow.objective == "released"
    assert flow.objective_changes == {"momentum_density": True, "gradient": "flow"}
    assert config_of().flow.objective_changes == {}


def test_wrong_parts_are_refused():
    with pytest.raises(UserError, match=r"`flow\.momentum_density`='yes' is not known"):
        config_of("flow.momentum_density=yes")
    with pytest.raises(UserError, match="no `metric`"):
        config_of("flow.objective=released", entry="chadebec2020/hvae_mnist_012")
