"""What do other libraries, and ours, make of a raw table? From rows to predicted distributions.

A model is a function of the kind of y ("real", "count", "label" or "censored"), X, y, a seed and a
number of threads; it returns a function that predicts distributions from X. It raises a
`RefusalError` for a kind that it cannot predict. Each does for itself what its library asks for:
none gets columns that were prepared by hand. What stops early holds out rows of the training set.
"""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from sklnll import NLLClassifier, NLLRegressor, predict_dist
from sklnll.distributions import (
    Censored,
    LogNormal,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    Weibull,
)
from sklnll.metrics import fit_marginal
from sklnll.predictive import predictive
from sklnll.predictive.averages import average, labels_by_probability

FAMILIES = {
    "real": Normal(),
    "count": NegativeBinomial(),
    "censored": Censored(Weibull()),
}
NUMBERS = make_column_selector(dtype_include="number")
TEXT = make_column_selector(dtype_exclude="number")
MEMBERS = 5
SHARE = 1 / 6
"""Of the training rows, held out by what stops early."""


class RefusalError(Exception):
    """The model has no distribution for this kind of y."""


def _refuse_all_but(kind, *kinds):
    if kind not in kinds:
        raise RefusalError(f"predicts no distribution of a {kind} y")


def _parts(X, y, kind, seed, share=SHARE):
    """X and y to fit to, X and y held out."""
    strata = y if kind == "label" else None
    X, X_held, y, y_held = train_test_split(
        X, y, test_size=share, random_state=seed, stratify=strata
    )
    return X, y, X_held, y_held


def _normal(loc, scale):
    return predictive(Normal(), {"loc": loc, "scale": np.broadcast_to(scale, loc.shape).copy()})


def _poisson(rate):
    return predictive(Poisson(), {"rate": rate})


def _around(points, X_held, y_held):
    """Normal distributions around predicted points, as wide as the errors on rows held out."""
    scale = np.sqrt(np.mean((y_held - points(X_held)) ** 2))
    return lambda X: _normal(points(X), scale)


def _text(X):
    return [name for name in X if not pd.api.types.is_numeric_dtype(X[name])]


# Ours, and the fit without x ---------------------------------------------------------------------


def marginal(kind, X, y, seed, threads):
    """The same distribution for all rows: what a model must beat."""
    if kind == "label":
        classes, counts = np.unique(y, return_counts=True)
        share = counts / len(y)
        return lambda X: labels_by_probability(np.tile(share, (len(X), 1)), classes)
    family = FAMILIES[kind]
    any_fit = predictive(family, {name: np.ones(len(y)) for name in family.parameters})
    fit = fit_marginal(y, any_fit)
    return lambda X: predictive(
        fit.distribution, {name: np.repeat(v[:1], len(X), axis=0) for name, v in fit.params.items()}
    )


def _network(kind, seed, real=FAMILIES["real"]):
    settings = {"n_estimators": MEMBERS, "random_state": seed}
    if kind == "label":
        return NLLClassifier(**settings)
    return NLLRegressor({**FAMILIES, "real": real}[kind], **settings)


def sklnll(kind, X, y, seed, threads):
    """Five members, all else by default, and the frame as it is."""
    return _network(kind, seed).fit(X, y).predict_dist


def sklnll_t(kind, X, y, seed, threads):
    """The same with Student's t for real y; other kinds stay what they are."""
    _refuse_all_but(kind, "real")
    return _network(kind, seed, StudentT()).fit(X, y).predict_dist


def sklnll_encoded(kind, X, y, seed, threads):
    """The first behind what users put before it: means and indicators for gaps, and dummies."""
    return _encoded(_network(kind, seed), X, y)


def sklnll_encoded_t(kind, X, y, seed, threads):
    """The same with Student's t for real y."""
    _refuse_all_but(kind, "real")
    return _encoded(_network(kind, seed, StudentT()), X, y)


def _encoded(net, X, y):
    dummies = OneHotEncoder(
        min_frequency=5, handle_unknown="infrequent_if_exist", sparse_output=False
    )
    parts = [("numbers", SimpleImputer(add_indicator=True), NUMBERS), ("text", dummies, TEXT)]
    model = make_pipeline(ColumnTransformer(parts), net).fit(X, y)
    return lambda X: predict_dist(model, X)


# Boosting ----------------------------------------------------------------------------------------


def catboost(kind, X, y, seed, threads):
    """Five times, each stopped by another sixth: mixtures of normals, mean probabilities."""
    _refuse_all_but(kind, "real", "count", "label")
    text = _text(X)

    def filled(X):
        """CatBoost knows gaps in numbers, and wants a word for those in text."""
        return X.assign(**{name: X[name].astype(object).fillna("gap") for name in text})

    X = filled(X)
    settings = {"cat_features": text, "thread_count": threads}
    members = [
        _catboost_member(kind, X, y, MEMBERS * seed + member, settings) for member in range(MEMBERS)
    ]

    def predict(X):
        X = filled(X)
        if kind == "label":
            mean = np.mean([member.predict_proba(X) for member in members], axis=0)
            return labels_by_probability(mean, members[0].classes_)
        if kind == "count":
            rates = [member.predict(X, prediction_type="Exponent") for member in members]
            return average([_poisson(rate) for rate in rates])
        both = [member.predict(X, prediction_type="RMSEWithUncertainty").T for member in members]
        return average([_normal(loc, np.sqrt(variance)) for loc, variance in both])

    return predict


def _catboost_member(kind, X, y, seed, settings):
    from catboost import CatBoostClassifier, CatBoostRegressor

    settings = {
        "iterations": 2000,
        "early_stopping_rounds": 50,
        "random_seed": seed,
        "verbose": False,
        "allow_writing_files": False,
        **settings,
    }
    losses = {"real": "RMSEWithUncertainty", "count": "Poisson"}
    if kind == "label":
        model = CatBoostClassifier(**settings)
    else:
        model = CatBoostRegressor(loss_function=losses[kind], **settings)
    X, y, X_held, y_held = _parts(X, y, kind, seed)
    return model.fit(X, y, eval_set=(X_held, y_held))


def hist_gradient_boosting(kind, X, y, seed, threads):
    """scikit-learn's, with as many trees as a tenth held out asks for; its spread is of that."""
    _refuse_all_but(kind, "real", "count", "label")
    dtypes = {name: pd.CategoricalDtype(X[name].dropna().unique()) for name in _text(X)}
    settings = {
        "max_iter": 2000,
        "early_stopping": True,
        "categorical_features": "from_dtype",
        "random_state": seed,
    }
    if kind == "label":
        model = HistGradientBoostingClassifier(**settings)
    else:
        loss = {"real": "squared_error", "count": "poisson"}[kind]
        model = HistGradientBoostingRegressor(loss=loss, **settings)
    X, y, X_held, y_held = _parts(X.astype(dtypes), y, kind, seed, share=0.1)
    model.fit(X, y, X_val=X_held, y_val=y_held)
    if kind == "label":
        return lambda X: labels_by_probability(
            model.predict_proba(X.astype(dtypes)), model.classes_
        )
    if kind == "count":
        return lambda X: _poisson(model.predict(X.astype(dtypes)))
    return _around(lambda X: model.predict(X.astype(dtypes)), X_held, y_held)


def ngboost(kind, X, y, seed, threads):
    """With at most 500 stages; text as numbers, and medians for gaps."""
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1
    )
    encoder = ColumnTransformer(
        [("numbers", SimpleImputer(strategy="median"), NUMBERS), ("text", codes, TEXT)]
    )
    classes, y = np.unique(y, return_inverse=True) if kind == "label" else (None, y)
    X, y, X_held, y_held = _parts(encoder.fit_transform(X), y, kind, seed)
    model = _ngboost_model(kind, classes, seed)
    if kind == "censored":
        held = {"T_val": y_held[:, 0], "E_val": np.isfinite(y_held[:, 1])}
        known = y[:, 0], np.isfinite(y[:, 1])
    else:
        held, known = {"Y_val": y_held}, (y,)
    model.fit(X, *known, X_val=X_held, **held, early_stopping_rounds=50)
    best = model.best_val_loss_itr
    stages = None if best is None else best + 1

    def predict(X):
        X = encoder.transform(X)
        if kind == "label":
            return labels_by_probability(model.predict_proba(X, max_iter=stages), classes)
        params = model.pred_dist(X, max_iter=stages).params
        if kind == "count":
            return _poisson(params["mu"])
        if kind == "censored":
            own = {"sigma": params["s"], "scale": params["scale"]}
            return predictive(Censored(LogNormal()), own)
        return predictive(Normal(), dict(params))

    return predict


def _ngboost_model(kind, classes, seed):
    from ngboost import NGBClassifier, NGBRegressor, NGBSurvival, distns

    # The default rate of 0.01 takes four times the stages, and was no better on churn.
    settings = {"learning_rate": 0.04, "verbose": False, "random_state": seed}
    if kind == "label":
        return NGBClassifier(Dist=distns.k_categorical(len(classes)), **settings)
    if kind == "censored":
        return NGBSurvival(Dist=distns.LogNormal, **settings)
    return NGBRegressor(Dist={"real": distns.Normal, "count": distns.Poisson}[kind], **settings)


# Networks that predict points --------------------------------------------------------------------


def _pytabkit(name):
    def fit(kind, X, y, seed, threads):
        _refuse_all_but(kind, "real", "label")
        import pytabkit

        model = getattr(pytabkit, f"{name}_{'Classifier' if kind == 'label' else 'Regressor'}")(
            device="cpu", random_state=seed, n_threads=threads
        )
        # It fills no gaps in numbers, and takes truth values for text.
        encoder = ColumnTransformer(
            [("numbers", SimpleImputer(add_indicator=True), NUMBERS)],
            remainder="passthrough",
            verbose_feature_names_out=False,
        ).set_output(transform="pandas")
        flags = dict.fromkeys(X.select_dtypes("bool"), int)
        text = _text(X)
        X = encoder.fit_transform(X.astype(flags))
        X, y, X_held, y_held = _parts(X, y, kind, seed)
        model.fit(X, y, X_val=X_held, y_val=y_held, cat_col_names=text)
        if kind == "label":
            return lambda X: labels_by_probability(
                model.predict_proba(encoder.transform(X.astype(flags))), model.classes_
            )
        points = _around(lambda X: np.ravel(model.predict(X)).astype(float), X_held, y_held)
        return lambda X: points(encoder.transform(X.astype(flags)))

    fit.__doc__ = f"pytabkit's {name}, its spread from the sixth held out."
    return fit


MODELS = {
    "marginal": marginal,
    "sklnll": sklnll,
    "sklnll_t": sklnll_t,
    "sklnll_encoded": sklnll_encoded,
    "sklnll_encoded_t": sklnll_encoded_t,
    "catboost": catboost,
    "hgb": hist_gradient_boosting,
    "ngboost": ngboost,
    "realmlp": _pytabkit("RealMLP_TD"),
    "tabm": _pytabkit("TabM_D"),
}
LIBRARIES = {
    "catboost": "catboost",
    "hgb": "scikit-learn",
    "ngboost": "ngboost",
    "realmlp": "pytabkit",
    "tabm": "pytabkit",
}
"""Whose version is stored with a model; our own for the others."""
