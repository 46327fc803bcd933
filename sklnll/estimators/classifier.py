"""A neural network for a y of class labels, behind scikit-learn's classifier interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from .._data.tables import FitInput
from ..distributions import (
    Distribution,
    LabelDistribution,
    RankingDistribution,
    get_distribution,
)
from ._base import NLLEstimator
from .predictions import PredictsLabels


class NLLClassifier(PredictsLabels, ClassifierMixin, NLLEstimator):
    """Neural network classification by maximum likelihood.

    A multi-layer perceptron maps each row of X to the log-odds of the class labels, and is fitted
    by minimizing the negative log-likelihood: the cross-entropy. What `fit` and `score` take as y:

    - a label for each row, of shape (n_samples,): numbers, text or booleans;
    - several labels at once, for "categorical" and "bernoulli": an indicator matrix of 0 and 1, of
      shape (n_samples, n_classes), whose columns are independent of each other, given x;
    - soft targets, for ``Categorical(soft_targets=True)``: rows of probabilities, of shape
      (n_samples, n_classes).

    Parameters
    ----------
    distribution : str or Distribution, default="categorical"
        "categorical" for any number of labels, "bernoulli" for two, "ordinal" for labels with an
        order: numbers, a y that is an ordered categorical of pandas, or
        ``Ordinal(order=[...])``.
    hidden_layer_sizes : array-like of shape (n_layers - 2,), default=(128, 128)
        Units of each hidden layer. ``()`` is a linear model in the sense of generalized linear
        models: with ``solver="lbfgs"``, ``alpha=0`` and a small `tol` it reaches the exact
        maximum likelihood.
    activation : {"identity", "logistic", "tanh", "relu", "silu"}, default="silu"
        Activation of the hidden layers; "silu" is x * logistic(x), a smooth "relu".
    n_estimators : int, default=1
        Networks that are trained side by side, from different weights and with different rows held
        out; predicted is the equal mixture of their distributions. Five make the predictions
        better and less sure of themselves, at one and a half to five times the time of one.
    x_scaling : {"standard", "robust"} or None, default="standard"
        How the columns of X are scaled for "adam" and "sgd": by mean and standard deviation; by
        median and interquartile range, with outliers drawn in smoothly; or not at all. A network
        without hidden layers is linear in X with any of them. Columns of a large sparse X are
        divided by their largest magnitude instead, so that zeros stay zeros.
    n_frequencies : int or "auto", default=0
        Cosines of each scaled column of X, of learned frequency and phase, that the first layer
        sees beside the column. They let a small network follow steps and waves, which labels
        seldom need. "auto" is 8, fewer beyond 32 columns, none beyond 256 or where X is not
        scaled. Not for "lbfgs" and linear networks.
    solver : {"adam", "sgd", "lbfgs"}, default="adam"
        "adam" and "sgd" train by mini-batches; "lbfgs" by all rows at once, to convergence: the
        choice for linear models.
    alpha : float, default=0.0001
        Strength of the L2 penalty alpha / 2 * sum(weights**2), shared by the rows of a batch.
        See Notes for its units.
    batch_size : int or "auto", default="auto"
        Rows of a mini-batch; "auto" is about twice the root of all rows, not far below 32 nor far
        above 1024, or min(200, n_samples) where `learning_rate` is not "cosine".
    learning_rate : {"cosine", "constant", "invscaling", "adaptive"}, default="cosine"
        "cosine": the step size rises for the first twentieth of `max_iter` epochs and then falls
        to 0 along a cosine. The last two only for ``solver="sgd"``: "invscaling" divides the rate
        by (rows seen + 1) ** power_t; "adaptive" divides it by 5 each time training stalls,
        for all members at once.
    learning_rate_init : float, default=0.003
        Largest step size of "adam" and "sgd".
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int or "auto", default="auto"
        Epochs of "adam" and "sgd", iterations of "lbfgs". "auto": as many epochs as make about
        6000 steps, between 20 and 400 (more where there are no hidden layers); 200 where
        `learning_rate` is not "cosine"; 1000 iterations.
    shuffle : bool, default=True
        Whether rows are shuffled in each epoch.
    random_state : int, RandomState instance or None, default=None
        Seeds initial weights, hold-out, shuffling and dropout. Give an int for repeatable fits.
    tol : float, default=1e-4
        Training stops when the loss falls by less than this for `n_iter_no_change` epochs; for
        "lbfgs", when no component of the gradient is larger, or no descent is found.
    verbose : bool, int or "bar", default=False
        Whether to print the loss of each epoch; "bar" draws one line on stderr that grows.
    warm_start : bool, default=False
        Whether `fit` goes on with the fitted network, in its units of X and y, instead of starting
        anew; `loss_curve_` and `validation_scores_` grow. Annealing is over then.
    momentum : float, default=0.9
        Of "sgd".
    nesterovs_momentum : bool, default=True
        Whether momentum looks ahead.
    early_stopping : bool or "auto", default="auto"
        Whether to hold `validation_fraction` of the rows out, stop when their loss stalls, and keep
        the weights that were best on them. Not for "lbfgs". "auto": from 8 rows on, for networks
        with hidden layers. On by itself where `fit` is given ``X_val, y_val``.
    validation_fraction : float, default=0.15
        Share of the rows held out. Several members hold different rows out, so that each row trains
        some of them.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of "adam"'s moment estimates.
    epsilon : float, default=1e-8
        Keeps "adam"'s steps finite.
    n_iter_no_change : int or "auto", default="auto"
        Epochs without improvement that end the training of a member. "auto": as many as make 1000
        steps; 10 where `learning_rate` is not "cosine".
    max_fun : int, default=15000
        Most evaluations of the loss by "lbfgs".
    weight_decay : float, default=0.01
        Share of the weights, times the step size, that each step of "adam" and "sgd" takes away.
    max_grad_norm : float or None, default=1.0
        Longer gradients of a member are shortened to this norm; None for never.
    annealing : float, default=0.35
        Share of training in which rows are weighted by the squared width that is predicted for
        them, fully at first and less and less: their center is then learned as from squared
        errors, before the likelihood decides. 0 for never. For families with a predicted width.
    recalibrate : {"nll"} or None, default=None
        Widen or narrow what is predicted by one factor that is fitted on held-out rows, the
        temperature of the log-odds. A third of the rows that are held out is then seen by no
        member.
    dropout : float, default=0.0
        Share of each hidden layer's units dropped at random in training. Not for "lbfgs".
    batch_norm : bool, default=False
        Whether hidden layers are normalized over the batch before their activation.
    weight_init : {"glorot", "he"}, default="glorot"
        Start of the hidden layers; "he" suits deep networks of "relu". The last layer starts at
        the fit without x.
    device : str, default="cpu"
        Where networks are trained and predict: "cpu", or "cuda" ("cuda:1", ...) for a GPU, which
        pays for large batches and wide layers. Where torch sees none, the CPU takes its place,
        and `fit` says so. What is fitted is numpy's and runs anywhere.
    n_threads : int or None, default=None
        Most threads to compute with; None for as many as torch is allowed. Steps too small to
        share take one.
    class_weight : dict, "balanced" or None, default=None
        Weight of each label, multiplied with the sample weights. "balanced" gives each label the
        same total: total weight / (n_classes * the label's weight). Predicted probabilities are
        then those of a population with that balance. Only where y holds one label a row.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; in their own order for "ordinal", where those that y lacks are kept.
        For indicators the numbers of the columns of y; for soft targets these, or the columns'
        names if y is a data frame.
    network_ : FittedNetwork
        What training found: the network's weights, and the units of X and y. The attributes from
        `distribution_` to `out_activation_` look at it and cannot be set.
    distribution_ : Distribution
        The family that was fitted; that of each column for an indicator matrix.
    coefs_ : list of ndarray of shape (fan_in, fan_out)
        Weight matrices of the layers, with an axis of members first where there are several. The
        first has rows for the columns of X and then for their cosines.
    intercepts_ : list of ndarray of shape (fan_out,)
        Biases of the layers.
    weights_ : ndarray of shape (n_estimators, n_weights)
        All learned values, a member each row, with frequencies and those of constant parameters
        and of batch normalization; `coefs_` and `intercepts_` are views of it,
        or in X's units where the network is linear.
    statistics_ : ndarray of shape (n_estimators, 2, n_hidden_units)
        Running means and variances of the hidden units, for batch normalization.
    architecture_ : Architecture
        What the network looks like.
    scaling_ : TargetScaling
        The map between y's units and training's; labels stay as they are.
    input_scaling_ : InputScaling or None
        The map between X's units and the network's; None where the weights are in X's.
    recalibration_ : float
        The temperature of `recalibrate`; above 1 it makes less sure.
    loss_ : float
        Mean negative log-likelihood of the training rows in the last epoch, in nats a row, without
        the penalty.
    best_loss_ : float or None
        Least of `loss_curve_`; None where rows were held out.
    loss_curve_ : list of float
        The loss of each epoch, the mean over the members that still train.
    validation_scores_ : list of float or None
        Mean log-likelihood of the held-out rows after each epoch; None without hold-out.
    best_validation_score_ : float or None
        That of the kept weights: the largest of `validation_scores_`, or of the fit without x,
        where training found nothing better. Of several members the mean of their own.
    n_iter_ : int
        Epochs, or iterations of "lbfgs".
    t_ : int
        Rows seen in training, repetitions counted.
    n_layers_ : int
        Layers, those of X and of the outputs included.
    n_outputs_ : int
        Outputs of y: its columns.
    out_activation_ : str
        Name of the map from raw outputs to probabilities: "softmax" or "logistic".
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where X has names that are all strings.

    See Also
    --------
    NLLRegressor : The same for numbers.
    sklearn.neural_network.MLPClassifier : The same network without class weights.

    Notes
    -----
    With weights w divided by their mean over all training rows, a batch of B rows has the loss::

        sum(w * -log p(y | x)) / B + alpha / (2 * B * m) * sum(weights**2)

    where m is that mean of the rows' weights: a row of weight 2 is the row twice, to the penalty
    too.

    Training starts at the labels' shares, so that the first loss of C equally frequent labels is
    log(C).

    Metrics of scikit-learn that take probabilities (``log_loss``, "neg_log_loss",
    ``roc_auc_score``) expect columns in sorted order of the labels. Where "ordinal" has another
    one, use `sklnll.metrics.neg_nll_scorer`, or sort the columns by ``np.argsort(classes_)``.

    References
    ----------
    C. Bishop (2006). Pattern Recognition and Machine Learning, chapter 5.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklnll import NLLClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = NLLClassifier(hidden_layer_sizes=(), solver="lbfgs", random_state=0)
    >>> model = make_pipeline(StandardScaler(), net).fit(X, y)
    >>> model.predict_proba(X[:1]).round(2)
    array([[1., 0., 0.]])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **NLLEstimator._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        distribution: str | Distribution = "categorical",
        hidden_layer_sizes: ArrayLike = (128, 128),
        activation: str = "silu",
        *,
        n_estimators: int = 1,
        x_scaling: str | None = "standard",
        n_frequencies: int | str = 0,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "cosine",
        learning_rate_init: float = 0.003,
        power_t: float = 0.5,
        max_iter: int | str = "auto",
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int | str = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.15,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float | str = "auto",
        max_fun: int = 15000,
        weight_decay: float = 0.01,
        max_grad_norm: float | None = 1.0,
        annealing: float = 0.35,
        recalibrate: str | None = None,
        dropout: float = 0.0,
        batch_norm: bool = False,
        weight_init: str = "glorot",
        device: str = "cpu",
        n_threads: int | None = None,
        class_weight: Mapping[Any, float] | str | None = None,
    ):
        self.distribution = distribution
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.n_estimators = n_estimators
        self.x_scaling = x_scaling
        self.n_frequencies = n_frequencies
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.weight_decay = weight_decay
        self.max_grad_norm = max_grad_norm
        self.annealing = annealing
        self.recalibrate = recalibrate
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.weight_init = weight_init
        self.device = device
        self.n_threads = n_threads
        self.class_weight = class_weight

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        try:
            family = get_distribution(self.distribution)
            self._check_family(family)
        except ValueError:
            return tags
        tags.classifier_tags.multi_class = family.multi_class
        tags.classifier_tags.multi_label = family.of_indicators() is not None
        return tags

    def _check_family(self, distribution: Distribution) -> None:
        if isinstance(distribution, RankingDistribution):
            raise ValueError(
                f"NLLClassifier predicts labels, {distribution!r} rankings; use NLLRanker."
            )
        if not isinstance(distribution, LabelDistribution):
            raise ValueError(
                f"NLLClassifier predicts labels, {distribution!r} numbers; use NLLRegressor, or "
                "distribution='categorical', 'bernoulli' or 'ordinal'."
            )

    @available_if(NLLEstimator._trains_in_batches)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on some rows, and go on with the next ones later.

        The first rows choose the units of X. The step size is constant, unless it shrinks by
        ``learning_rate="invscaling"``; there is no hold-out.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative weights, taken as they are: 1 is an ordinary row in any call.
        classes : array-like of shape (n_classes,), optional
            All labels; needed in the first call, where y holds one label a row.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X, y or a weight is not legal, labels are unknown, or parameters ask for another
            network than before.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "partial_fit does not support class_weight='balanced', which needs all labels; "
                "give a dict of weights."
            )
        given = FitInput(X, y, sample_weight, classes=classes, more_rows_follow=True)
        return self._fit(given, is_increment=True)
