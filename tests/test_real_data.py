"""What the families reach on real data, held out."""

import numpy as np
import pandas as pd
import pytest
from plain import plain_regressor
from sklearn.preprocessing import StandardScaler

from sklnll.distributions import VonMises

brief = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def wind(shared_data):
    """Hourly wind: inputs without and with the previous hour's direction, and the direction.

    Complete rows whose previous hour was observed, in order of time.
    """
    table = pd.read_csv(shared_data / "wind.txt.gz", sep=r"\s+")
    time = pd.to_datetime(table[["Year", "Month", "Day", "Hour"]])
    direction = np.deg2rad(table["Direction"].to_numpy(float))
    turns = np.column_stack([table["Hour"] / 24, time.dt.day_of_year / 365.25]) * 2 * np.pi
    without = np.column_stack([np.cos(turns), np.sin(turns), table["Speed"]])
    previous = np.roll(direction, 1)
    inputs = np.column_stack([without, np.cos(previous), np.sin(previous)])
    is_next_hour = (time.diff() == pd.Timedelta(hours=1)).to_numpy()
    keep = is_next_hour & np.isfinite(inputs).all(axis=1) & np.isfinite(direction)
    return {"without": without[keep], "with": inputs[keep]}, direction[keep]


def held_out_nll(X, y, distribution="von_mises"):
    """On the last fifth of the rows; training stops early on the last fifth before them."""
    first, second = int(0.64 * len(y)), int(0.8 * len(y))
    X = StandardScaler().fit(X[:first]).transform(X)
    net = plain_regressor(distribution, random_state=0)
    net.fit(X[:first], y[:first], X_val=X[first:second], y_val=y[first:second])
    return -net.predict_dist(X[second:]).log_prob(y[second:]).mean()


@pytest.mark.slow
@brief
def test_wind_direction_follows_that_of_the_previous_hour(wind):
    inputs, y = wind
    marginal = held_out_nll(inputs["without"], y, VonMises("constant", "constant"))
    assert marginal == pytest.approx(1.831, abs=2e-3)
    # Hour, season and speed say next to nothing about another year: training keeps the fit
    # without x, or finds a little.
    assert held_out_nll(inputs["without"], y) <= marginal + 1e-3
    assert held_out_nll(inputs["with"], y) <= 0.25
