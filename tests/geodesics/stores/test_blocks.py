"""Blocks of a matrix: each entry is found once, and put where it belongs."""

import numpy as np
import pytest

from tfgeo.geodesics.stores.blocks import Cut, MemoryTarget


@pytest.mark.parametrize("strips", [False, True])
@pytest.mark.parametrize(
    ("shape", "symmetric"), [((50, 50), True), ((50, 37), False), ((1, 1), True), ((3, 70), False)]
)
def test_blocks_fill_the_matrix_and_count_each_pair_once(shape, symmetric, strips):
    expected = np.random.default_rng(0).normal(size=shape)
    if symmetric:
        expected = np.triu(expected, 1) + np.triu(expected, 1).T
    cut = Cut(shape, symmetric, strips)
    target = MemoryTarget(np.full(shape, np.nan), symmetric)
    blocks = list(cut.blocks())
    for block in blocks:
        assert not target.is_finished(block)
        target.put(block, expected[slice(*block.rows), slice(*block.columns)], 1, "slow")
    np.testing.assert_array_equal(target.matrix, expected)
    assert len({block.name for block in blocks}) == len(blocks)
    num = shape[0]
    assert sum(block.num_pairs for block in blocks) == (num * (num - 1) // 2 if symmetric else np.prod(shape))
    assert target.failures() == (len(blocks), "slow")


def test_few_points_are_cut_finer_than_many():
    assert [Cut((num, num), True, False).size for num in (5, 300, 1000, 100_000)] == [16, 32, 64, 256]
    assert [Cut((num, num), True, True).size for num in (5, 300, 10_000, 100_000)] == [16, 16, 512, 512]
    assert list(Cut((0, 0), True, False).blocks()) == []
