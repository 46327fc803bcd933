"""Raw tables, with dates and free text, go through skrub's pipeline."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline

from sklnll import NLLClassifier, NLLRanker, NLLRegressor, predict_dist
from sklnll.metrics import d2_score, neg_nll_scorer

pd = pytest.importorskip("pandas")
skrub = pytest.importorskip("skrub")

N = 120
rng = np.random.default_rng(0)
SIZE = rng.normal(size=N)
AREA = rng.choice(["north", "south", "west"], N)
DAY = pd.date_range("2024-01-01", periods=N, freq="17h")
Y = np.exp(0.5 * SIZE + (AREA == "south") + 0.1 * rng.normal(size=N))
COMPLETE = pd.DataFrame(
    {
        "size": SIZE,
        "area": AREA,
        "day": DAY,
        "note": [f"flat {k} near the {w} park" for k, w in enumerate(rng.permutation(AREA))],
    }
)
TABLE = COMPLETE.mask(rng.uniform(size=COMPLETE.shape) < 0.1)
BRIEF = {"hidden_layer_sizes": (8,), "max_iter": 30, "random_state": 0}


def test_without_skrub_such_columns_are_refused_with_this_way_out():
    for name in ("day", "note"):
        with pytest.raises(ValueError, match=rf"column '{name}' holds .*skrub\.tabular_pipeline"):
            NLLRegressor().fit(TABLE[["size", name]], Y)


@pytest.mark.parametrize("form", ["pandas", "polars"])
def test_a_raw_table_is_fitted_and_its_distributions_are_reached(form):
    table = TABLE
    if form == "polars":
        columns = TABLE.astype(object).where(TABLE.notna(), None).to_dict("list")
        table = pytest.importorskip("polars").DataFrame(columns)
    model = skrub.tabular_pipeline(NLLRegressor("gamma", **BRIEF)).fit(table, Y)
    dist = predict_dist(model, table)
    np.testing.assert_allclose(dist.mean(), model.predict(table))
    assert np.isfinite(dist.logpdf(Y)).all()
    assert (dist.novelty == 0).all()
    assert d2_score(Y, dist) > 0.2


def test_gaps_reach_the_network_whose_pipeline_has_no_imputer():
    """So the network has an indicator of each column that had gaps."""
    model = skrub.tabular_pipeline(NLLRegressor(**BRIEF)).fit(TABLE[["size"]], Y)
    assert isinstance(model, Pipeline)
    assert not any("imputer" in name for name in model.named_steps)
    assert model[-1].coefs_[0].shape[0] == 1 + 1 + model[-1].architecture_.n_frequencies


def test_levels_may_be_left_to_the_network():
    vectorizer = skrub.TableVectorizer(low_cardinality="passthrough")
    model = make_pipeline(vectorizer, NLLRegressor(**BRIEF)).fit(COMPLETE, Y)
    assert (predict_dist(model, COMPLETE.assign(area="abroad")).novelty == np.inf).all()
    assert (predict_dist(model, COMPLETE).novelty == 0).all()


def test_labels_and_rankings_are_predicted_from_raw_tables():
    labels = np.where(SIZE > 0, "large", "small")
    model = skrub.tabular_pipeline(NLLClassifier(**BRIEF)).fit(TABLE, labels)
    np.testing.assert_allclose(predict_dist(model, TABLE).probs, model.predict_proba(TABLE))
    orders = np.column_stack([SIZE, -SIZE, rng.normal(size=N)]).argsort(axis=1)
    model = skrub.tabular_pipeline(NLLRanker(**BRIEF)).fit(TABLE, orders)
    assert predict_dist(model, TABLE).log_prob(orders).shape == (N,)


def test_a_search_goes_through_it():
    model = skrub.tabular_pipeline(NLLRegressor(**{**BRIEF, "max_iter": 5}))
    grid = {"nllregressor__distribution": ["normal", "gamma"]}
    search = GridSearchCV(model, grid, scoring=neg_nll_scorer, cv=2, error_score="raise")
    search.fit(TABLE, Y)
    assert search.best_params_ == {"nllregressor__distribution": "gamma"}  # which fits a skewed y
    assert predict_dist(search, TABLE[:3]).interval(0.9).shape == (3, 2)


def test_a_column_may_first_lack_in_prediction():
    """A number that was never missing counts as unknown; skrub makes a gap in text a level."""
    model = skrub.tabular_pipeline(NLLRegressor(**BRIEF)).fit(COMPLETE, Y)
    assert (predict_dist(model, COMPLETE.assign(size=np.nan)).novelty == np.inf).all()
    assert np.isfinite(model.predict(COMPLETE.assign(size=np.nan, day=pd.NaT))).all()
