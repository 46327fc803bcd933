"""Each member holds rows of its own out, and every row trains some member."""

import numpy as np
import pytest

from sklnll._data.holdout import hold_out


def split(n_rows=100, n_members=5, fraction=0.15, labels=None, seed=0):
    labels = np.zeros(n_rows) if labels is None else labels
    return hold_out(n_rows, n_members, fraction, np.random.RandomState(seed), labels)


@pytest.mark.parametrize("n_members", [1, 2, 7, 20])
def test_parts_are_whole(n_members):
    train, held = split(n_members=n_members)
    assert train.shape == (n_members, 85)
    assert held.shape == (n_members, 15)
    for of_train, of_held in zip(train, held, strict=True):
        assert sorted([*of_train, *of_held]) == list(range(100))


@pytest.mark.parametrize("n_members", [2, 7, 20])
@pytest.mark.parametrize("fraction", [0.05, 0.15, 0.5, 0.7])
def test_every_row_trains_some_member(n_members, fraction):
    train, _ = split(n_members=n_members, fraction=fraction)
    if fraction <= 0.5:
        assert np.unique(train).size == 100


def test_parts_differ_as_long_as_they_can():
    _, held = split(n_members=6)
    assert np.unique(held).size == 90


def test_more_members_leave_the_first_ones_alone():
    for few, many in zip(split(n_members=3), split(n_members=20), strict=True):
        np.testing.assert_array_equal(few, many[:3])


def test_labels_keep_their_shares():
    labels = np.repeat([0, 1], [80, 20])
    _, held = split(labels=labels, n_members=10)
    assert set((labels[held] == 1).sum(axis=1)) == {3}


@pytest.mark.parametrize("n_rare", [1, 2, 3])
def test_rare_labels_leave_the_shares_of_the_others(n_rare):
    labels = np.r_[np.repeat([0, 1], [60, 40 - n_rare]), np.arange(2, 2 + n_rare)]
    train, held = split(labels=labels, n_members=6)
    assert ((labels[held] == 1).sum(axis=1) >= 5).all()
    assert np.unique(train).size == 100


def test_more_labels_than_a_part_has_rows_are_held_out_by_chance():
    train, held = split(labels=np.repeat(np.arange(20), 5))
    assert train.shape == (5, 85)
    assert held.shape == (5, 15)


def test_rows_of_several_labels_keep_their_shares():
    labels = np.column_stack([np.repeat([0, 1], 50), np.tile([0, 1], 50)])
    _, held = split(labels=labels, fraction=0.2)
    for of_member in labels[held]:
        assert (np.unique(of_member, axis=0, return_counts=True)[1] == 5).all()


@pytest.mark.parametrize(("n_rows", "fraction"), [(6, 0.1), (6, 0.99)])
def test_what_cannot_be_split_is_refused(n_rows, fraction):
    with pytest.raises(ValueError, match=r"too small.* of 6 rows out: it needs two"):
        split(n_rows=n_rows, fraction=fraction)
