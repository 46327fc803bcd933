"""One factor, fitted on rows that no member saw, mends the width of what is predicted."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.optimize import minimize_scalar

from sklnll import NLLClassifier, NLLRegressor
from sklnll._training.recalibration import fit_factor
from sklnll._training.stochastic import fit_stochastic
from sklnll.distributions import Categorical, Censored, Laplace, Normal, ensemble_of

rng = np.random.default_rng(0)
BRIEF = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}


def drawn_to_one(loss, n):
    """The factor that is least for `n` rows of a loss and the prior, by another search."""

    def objective(log_factor):
        return n * loss(np.exp(log_factor)) + 20 * log_factor**2

    return np.exp(minimize_scalar(objective, bracket=(-0.1, 0.1)).x)


def test_a_normal_scale_gets_the_spread_of_the_errors():
    y = rng.normal(scale=3.0, size=(2000, 1))
    params = {"loc": np.zeros((2000, 1)), "scale": np.ones((2000, 1))}
    factor = fit_factor(Normal(), Normal(), params, y, np.ones(2000), "nll")
    best = drawn_to_one(lambda scale: -stats.norm(scale=scale).logpdf(y).mean(), 2000)
    assert factor == pytest.approx(best, rel=1e-4)
    assert factor == pytest.approx(np.sqrt(np.mean(y**2)), rel=0.02)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_weights_count(unit):
    y = np.repeat([1.0, -2.0], 5000)[:, None]
    params = {"loc": np.zeros((10_000, 1)), "scale": np.ones((10_000, 1))}
    weight = unit * np.repeat([3.0, 1.0], 5000)
    factor = fit_factor(Normal(), Normal(), params, y, weight, "nll")
    # Unequal weights are worth (sum of w)**2 / (sum of w**2) = 8000 rows.
    mean = (3 * 1 + 4) / 4
    best = drawn_to_one(lambda scale: np.log(scale) + mean / (2 * scale**2), 8000)
    assert factor == pytest.approx(best, rel=1e-4)
    assert factor == pytest.approx(np.sqrt(mean), rel=0.002)


@pytest.mark.parametrize("criterion", ["nll", "crps"])
def test_few_rows_move_it_little(criterion):
    def factor(n, error):
        params = {"loc": np.zeros((n, 1)), "scale": np.ones((n, 1))}
        y = error * np.resize([1.0, -1.0], (n, 1))
        return fit_factor(Normal(), Normal(), params, y, np.ones(n), criterion)

    assert 0.75 < factor(5, 0.2) < 1
    assert factor(1000, 0.2) < 0.3
    if criterion == "nll":  # which is hurt more
        assert factor(5, 10.0) > 2


def test_labels_that_are_all_met_do_not_make_it_sure_of_everything():
    params = {"logits": np.array([[[4.0, 0.0]], [[0.0, 4.0]]]).repeat(8, axis=0)}
    y = np.repeat([0.0, 1.0], 8)[:, None]
    assert fit_factor(Categorical(), Categorical(), params, y, np.ones(16), "nll") > 0.9


def test_crps_is_minimised_where_it_is_asked_for():
    y = stats.laplace(scale=2.0).rvs((2000, 1), random_state=0)
    params = {"loc": np.zeros((2000, 1)), "scale": np.ones((2000, 1))}
    factor = fit_factor(Laplace(), Laplace(), params, y, np.ones(2000), "crps")

    def crps(scale):
        return Laplace().crps(y, 0.0, scale).mean()

    best = drawn_to_one(lambda scale: crps(scale) / crps(1.0), 2000)
    assert factor == pytest.approx(best, rel=1e-3)
    unpenalised = minimize_scalar(crps, bounds=(0.1, 10), method="bounded").x
    assert factor == pytest.approx(unpenalised, rel=0.05)


def test_labels_get_a_temperature():
    logits = rng.normal(size=(3000, 1, 3))
    true = 0.4 * logits
    y = (true[:, 0] + rng.gumbel(size=(3000, 3))).argmax(axis=1)[:, None].astype(float)
    family = Categorical()
    factor = fit_factor(family, family, {"logits": logits}, y, np.ones(3000), "nll")
    assert factor == pytest.approx(1 / 0.4, rel=0.15)


def test_members_are_widened_together():
    y = rng.normal(scale=3.0, size=(500, 1))
    alone = {"loc": np.zeros((500, 1)), "scale": np.ones((500, 1))}
    both = {name: np.repeat(value[..., None], 2, axis=-1) for name, value in alone.items()}
    both["weight"] = np.full((500, 1, 2), 0.5)
    ones = np.ones(500)
    assert fit_factor(Normal(), ensemble_of(Normal(), 2), both, y, ones, "nll") == pytest.approx(
        fit_factor(Normal(), Normal(), alone, y, ones, "nll"), rel=1e-6
    )


@pytest.mark.parametrize("n_estimators", [1, 3])
@pytest.mark.parametrize("name", ["normal", "categorical", "plackett_luce"])
def test_a_fit_is_recalibrated_on_the_rows_it_held_out(
    name, n_estimators, draw_rows, make_default_net
):
    X, y = draw_rows(name, n=100)
    X_val, y_val = draw_rows(name, n=100, seed=1)
    net = make_default_net(name, n_estimators=n_estimators, recalibrate="nll", max_iter=30)
    net.fit(X, y, X_val=X_val, y_val=y_val)
    assert net.recalibration_ != 1.0

    def loss(factor):
        net.network_ = replace(net.network_, recalibration=factor)
        return -net.predict_dist(X_val).log_prob(y_val).mean()

    def penalized(factor):
        return 100 * loss(factor) + 20 * np.log(factor) ** 2

    factor = net.recalibration_
    best = penalized(factor)
    assert best <= min(penalized(factor * c) for c in (0.9, 0.99, 1.01, 1.1, 1 / factor))


def test_without_it_nothing_changes(draw_rows):
    X, y = draw_rows("normal")
    assert NLLRegressor(**BRIEF).fit(X, y).recalibration_ == 1.0


@pytest.mark.parametrize("stratify", [False, True])
def test_it_is_judged_by_rows_that_no_member_saw(stratify, draw_rows, monkeypatch):
    X, y = draw_rows("categorical" if stratify else "normal", n=100)
    seen = {}
    monkeypatch.setattr(
        "sklnll._training.plan.fit_stochastic",
        lambda objective, batches, held, *rest: (
            seen.update(rows=batches.rows, held=held)
            or fit_stochastic(objective, batches, held, *rest)
        ),
    )
    monkeypatch.setattr(
        "sklnll._training.recalibration.fit_factor",
        lambda *args: seen.update(unseen=args[3]) or fit_factor(*args),
    )
    estimator = NLLClassifier if stratify else NLLRegressor
    estimator(n_estimators=3, recalibrate="nll", **BRIEF).fit(X, y)
    used = np.concatenate([seen["rows"].index, seen["held"].index], axis=1)
    assert len(np.unique(used)) == used.shape[1] == 95
    assert len(seen["unseen"]) == 5


def test_the_same_spread_for_all_members(draw_rows):
    X, y = draw_rows("normal", n=100)
    net = NLLRegressor(n_estimators=3, recalibrate="crps", **BRIEF).fit(X, y)
    assert np.isfinite(net.recalibration_)
    assert_allclose(net.predict_dist(X).params["scale"].shape, (100, 3))


def test_too_few_rows_are_refused(draw_rows):
    X, y = draw_rows("normal", n=20)
    with pytest.raises(ValueError, match="a third of the rows is for that"):
        NLLRegressor(recalibrate="nll", **BRIEF).fit(X, y)


def test_what_cannot_be_recalibrated_is_refused(draw_rows):
    X, y = draw_rows("gamma", n=100)
    with pytest.raises(ValueError, match="no scale that could be recalibrated"):
        NLLRegressor("gamma", recalibrate="nll", **BRIEF).fit(X, y)
    with pytest.raises(ValueError, match=r"Normal\(scale=1.0\) fixes it; leave the scale"):
        NLLRegressor(Normal(scale=1.0), recalibrate="nll", **BRIEF).fit(X, y)
    with pytest.raises(ValueError, match="give X_val and y_val, or set early_stopping=True"):
        NLLRegressor(recalibrate="nll", early_stopping=False, **BRIEF).fit(X, y)
    with pytest.raises(ValueError, match="'recalibrate' parameter of NLLClassifier must be"):
        NLLClassifier(recalibrate="crps", **BRIEF).fit(X, y > 5)


def test_it_is_what_was_fitted_that_counts(draw_rows):
    X, y = draw_rows("normal", n=100)
    net = NLLRegressor(recalibrate="nll", **BRIEF).fit(X, y)
    std = net.predict_dist(X).std()
    assert_allclose(net.set_params(recalibrate=None).predict_dist(X).std(), std)


def test_solvers_and_scores_that_cannot_are_refused(draw_rows):
    X, y = draw_rows("normal", n=100)
    with pytest.raises(ValueError, match="solver='lbfgs' holds none out"):
        NLLRegressor(recalibrate="nll", solver="lbfgs", **BRIEF).fit(X, y)
    with pytest.raises(ValueError, match="needs exact values of y"):
        NLLRegressor(Censored(Normal()), recalibrate="crps", **BRIEF).fit(X, np.c_[y, y + 1])
