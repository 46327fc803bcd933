"""Checks that scikit-learn has for its own estimators, and leaves out of `check_estimator`.

They are those that its tests/test_common.py runs. (Those of documented parameters and attributes,
test_docstring_parameters.py, have their like in test_estimators.py.)
"""

import warnings

import pytest
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_inplace_ensure_writeable,
    check_param_validation,
)
from test_check_estimator import Ranked

from sklnll import NLLClassifier, NLLRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BRIEF = {"hidden_layer_sizes": (8,), "max_iter": 3}
FORMS = [
    {},
    {"early_stopping": True},
    {"early_stopping": False},
    {"n_estimators": 2},
    {"solver": "lbfgs"},
    {"solver": "sgd", "warm_start": True},
    {"hidden_layer_sizes": ()},
]

every_estimator = pytest.mark.parametrize("estimator", [NLLRegressor, NLLClassifier, Ranked])
every_form = pytest.mark.parametrize("form", FORMS, ids=str)


@every_estimator
@every_form
def test_columns_must_have_the_names_they_had(estimator, form):
    """Also where `fit` predicts, on rows without names that it holds out."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*without feature names|.*valid feature names")
        check_dataframe_column_names_consistency(estimator.__name__, estimator(**{**BRIEF, **form}))


@every_estimator
def test_every_parameter_is_validated(estimator):
    check_param_validation(estimator.__name__, estimator(**BRIEF))


@every_estimator
@every_form
def test_rows_that_cannot_be_written_stay_as_they_are(estimator, form):
    check_inplace_ensure_writeable(estimator.__name__, estimator(**{**BRIEF, **form}))
