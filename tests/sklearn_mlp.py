"""scikit-learn's multi-layer perceptrons by name and signature, ours within.

For the tests that scikit-learn has for its own. Those look at private names, too, which stand here
so that the library need not have them; each is read off from what the library did.
"""

from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target

from sklnll import MLP_DEFAULTS, NLLClassifier, NLLRegressor
from sklnll._data.rows import Rows
from sklnll._network.network import Network
from sklnll._network.weights import Weights
from sklnll._training import fit, lbfgs, stochastic
from sklnll._training.fit import start_weights
from sklnll._training.objective import Objective
from sklnll._training.optimizers import make_optimizer
from sklnll.distributions import Normal

FAMILIES = {"squared_error": Normal(scale=1.0), "poisson": "poisson"}


def MLPRegressor(loss="squared_error", hidden_layer_sizes=(100,), **params):  # noqa: N802
    given = {"hidden_layer_sizes": hidden_layer_sizes, **params}
    return Regressor(FAMILIES[loss], **{**MLP_DEFAULTS, **given})


def MLPClassifier(hidden_layer_sizes=(100,), **params):  # noqa: N802
    return Classifier(**{**MLP_DEFAULTS, "hidden_layer_sizes": hidden_layer_sizes, **params})


def _settable(name):
    """An attribute that a test sets before a fit, which only the fit can know."""

    def get(self):
        is_fitted = "network_" in vars(self)
        return getattr(super(WithPrivateNames, self), name) if is_fitted else vars(self)[name]

    return property(get, lambda self, value: vars(self).update({name: value}))


class WithPrivateNames:
    """The start, and what else the tests see of a perceptron; a mixin."""

    _given_coefs = None
    _given_intercepts = None

    # Layers that are set are where the first training starts.

    @property
    def coefs_(self):
        return super().coefs_ if hasattr(self, "weights_") else self._given_coefs

    @coefs_.setter
    def coefs_(self, matrices):
        self._given_coefs = matrices

    @property
    def intercepts_(self):
        return super().intercepts_ if hasattr(self, "weights_") else self._given_intercepts

    @intercepts_.setter
    def intercepts_(self, biases):
        self._given_intercepts = biases

    n_outputs_ = _settable("n_outputs_")
    n_layers_ = _settable("n_layers_")
    out_activation_ = _settable("out_activation_")

    def _fit(self, *args, **kwargs):
        """Note the rate of the last step, and how many epochs of this fit did not help.

        scikit-learn's lbfgs sees X as it is: its way to the minimum is another.
        """
        made, n_before = [], len(getattr(self, "loss_curve_", []))

        def make(*args, **kwargs):
            made.append(make_optimizer(*args, **kwargs))
            return made[-1]

        with (
            patch.object(fit, "start_weights", self._start_weights),
            patch.object(stochastic, "make_optimizer", make),
            patch.object(lbfgs, "_mean_and_spread", _zero_and_one),
        ):
            super()._fit(*args, **kwargs)
        rates = [optimizer.schedule.rate for optimizer in made]
        self._optimizer = SimpleNamespace(learning_rate=rates[-1] if rates else None)
        losses = [-score for score in self.validation_scores_ or []] or self.loss_curve_
        n_before = n_before if len(losses) > self.n_iter_ else 0
        self._no_improvement_count = _n_stalls(losses[n_before:], self.tol)
        return self

    def _start_weights(self, architecture, *args):
        """Not the fit without x, but the numbers that scikit-learn draws with this seed."""
        values = start_weights(architecture, *args)
        if self._given_coefs is not None:
            layers = zip(self._given_coefs, self._given_intercepts, strict=True)
        else:
            random_state = check_random_state(self.random_state)
            layers = [
                _draw_layer(fans, self.activation, random_state) for fans in architecture.fans
            ]
        _load(Weights(architecture, torch.from_numpy(values)), layers)
        return values

    def _loss_grad_lbfgs(self, theta, X, Y, sample_weight, *_):
        """The loss, and its gradient, at these weights: all matrices, then all biases."""
        weights = Weights(self.architecture_, torch.from_numpy(self.weights_.copy()))
        sizes = [matrix.size for matrix in self.coefs_] + [bias.size for bias in self.intercepts_]
        pieces = np.split(theta, np.cumsum(sizes)[:-1])
        n_layers = len(self.coefs_)
        _load(weights, zip(pieces[:n_layers], pieces[n_layers:], strict=True))
        y = Y.argmax(axis=1)[:, None] if Y.shape[1] > 1 else Y
        rows = Rows(*(torch.from_numpy(v) for v in (X, y.astype(float), np.ones(len(X)))))
        head = self.network_.units.head()
        objective = Objective(Network(weights), head, self.alpha, mean_weight=1.0)
        loss, gradient = objective.gradient(rows, momentum=1.0)
        objective.penalty.add_gradient(gradient, len(X))
        layers = Weights(self.architecture_, gradient).layers
        parts = [m.numpy().ravel() for i in (0, 1) for m in (layer[i] for layer in layers)]
        return (loss + objective.penalty.value(len(X))).item(), np.concatenate(parts)


def _load(weights, layers):
    """Put matrices and biases into the layers of a network of one member."""
    for ours, given in zip(weights.layers, layers, strict=True):
        for tensor, values in zip(ours[:2], given, strict=True):
            tensor.copy_(torch.as_tensor(values).reshape(tensor.shape))


def _zero_and_one(rows, rows_at_once):
    n_features = rows.shared.x.shape[1]
    return torch.zeros(n_features, dtype=torch.float64), torch.ones(n_features, dtype=torch.float64)


def _draw_layer(fans, activation, random_state):
    bound = np.sqrt((2 if activation == "logistic" else 6) / sum(fans))
    return random_state.uniform(-bound, bound, fans), random_state.uniform(-bound, bound, fans[1])


def _n_stalls(losses, tol):
    """How many losses in a row, up to the last, were not `tol` below the best before."""
    best, count = np.inf, 0
    for loss in losses:
        count = count + 1 if loss > best - tol else 0
        best = min(best, loss)
    return count


class Regressor(WithPrivateNames, NLLRegressor):
    pass


class Classifier(WithPrivateNames, NLLClassifier):
    """With one column of log-odds for two classes, and for each of several labels at once."""

    def _fit(self, given, *args, is_increment=False):
        if not (hasattr(self, "weights_") and (self.warm_start or is_increment)):
            n_labels = len(np.unique(given.y if given.classes is None else given.classes))
            is_indicator = type_of_target(given.y) == "multilabel-indicator"
            self.distribution = "bernoulli" if is_indicator or n_labels == 2 else "categorical"
        return super()._fit(given, *args, is_increment=is_increment)

    def predict_log_proba(self, X):
        """scikit-learn's definition, which loses what probabilities near 1 are rounded by."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))
