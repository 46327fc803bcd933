"""How does a network predict a y of rankings, behind scikit-learn's fit and predict?"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.utils import Tags

from .._data.tables import FitInput
from ..distributions import Distribution, RankingDistribution
from ._base import NLLEstimator
from .predictions import PredictsRankings


class NLLRanker(PredictsRankings, NLLEstimator):
    """Neural network that predicts rankings of a few items, fitted by maximum likelihood.

    A multi-layer perceptron maps each row of X to one score per item, and thereby to a probability
    of each ranking of the items. It is fitted by minimizing the negative log-likelihood of the
    observed rankings, which may be whole or consist of the first places only. This task is also
    known as label ranking.

    Parameters
    ----------
    distribution : str or Distribution, default="plackett_luce"
        The family of distributions over rankings, by its name or as an instance such as
        ``PlackettLuce(scores="constant")``, which learns the same scores for all rows.
    hidden_layer_sizes : array-like of shape (n_layers - 2,), default=(128, 128)
        Number of units of each hidden layer. ``()`` gives a linear model in the sense of
        generalized linear models, whose exact maximum likelihood ``solver="lbfgs"`` reaches with
        ``alpha=0`` and a small `tol`.
    activation : {"identity", "logistic", "tanh", "relu", "silu"}, default="silu"
        Activation function of the hidden layers. "silu" is x * logistic(x), a smooth "relu".
    n_estimators : int, default=1
        Number of networks, called members, that are trained side by side, from different initial
        weights and with different rows held out. The prediction is the equally weighted mixture of
        the members' distributions. Five members predict better than one and are less sure of
        themselves, at one and a half to five times the time of one.
    categorical_features : {"from_dtype"}, array-like or None, default="from_dtype"
        Which columns of X are categories: a mask, places, or names. "from_dtype" takes the columns
        of a data frame whose type is category, Enum, or text; None takes none. Levels of fewer
        than five rows, and those that `fit` has not seen, count as one level; missing values are a
        level of their own. Up to 64 levels have an input each, more of them learned vectors.
    x_scaling : {"robust", "standard"} or None, default="robust"
        How the columns of X are scaled for "adam" and "sgd". "robust" bounds them smoothly, by
        quartiles where tails are long; what lies far outside of the training rows counts as unknown
        and predicts what is known without it. "standard", mean and deviation, has no bound. None
        leaves X as it is. Without hidden layers, the network is linear in X whichever is chosen.
        Columns of a large sparse X are only divided by their largest magnitude.
    n_frequencies : int or "auto", default="auto"
        Number of cosines of each scaled column of numbers that the first layer sees beside the
        column, with frequencies and phases that are learned. They let a small network follow steps
        and waves. "auto" is 16, fewer beyond 16 such columns, and 0 beyond 256 of them or where X
        is not scaled. Columns of two values have none, nor have "lbfgs" and linear networks.
    gated_inputs : bool, default=True
        Whether all that the first layer sees of a column of X is multiplied by a learned factor,
        which moves ten times as fast as other weights. Columns that do not matter are thus soon
        told from those that do. "lbfgs", linear networks, and large sparse X have none.
    solver : {"adam", "sgd", "lbfgs"}, default="adam"
        "adam" and "sgd" train by mini-batches. "lbfgs" uses all rows at once and runs to
        convergence, which makes it the choice for linear models.
    alpha : float, default=0.0001
        Strength of the L2 penalty alpha / 2 * sum(weights**2), which the rows of a batch share (see
        Notes). It acts in units of the scaled X or, with "lbfgs", in those of X itself.
    batch_size : int or "auto", default="auto"
        Number of rows of a mini-batch. "auto" is about twice the square root of the number of rows,
        not far below 32 nor far above 1024; if `learning_rate` is not "cosine", it is
        min(200, n_samples).
    learning_rate : {"cosine", "constant", "invscaling", "adaptive"}, default="cosine"
        How the step size changes. With "cosine", it rises during the first twentieth of `max_iter`
        epochs and then falls to 0 along a cosine. The last two are for ``solver="sgd"`` only:
        "invscaling" divides `learning_rate_init` by (rows seen + 1) ** power_t; "adaptive" divides
        it by 5, for all members at once, each time the training of all has stalled.
    learning_rate_init : float, default=0.003
        Largest step size of "adam" and "sgd". Lower it where training diverges.
    power_t : float, default=0.5
        Exponent of the learning rate "invscaling".
    max_iter : int or "auto", default="auto"
        Largest number of epochs of "adam" and "sgd", or of iterations of "lbfgs". "auto" is as many
        epochs as make about 6000 steps, between 20 and 400 (more if there are no hidden layers); if
        `learning_rate` is not "cosine", it is 200 epochs; for "lbfgs", 1000 iterations.
    shuffle : bool, default=True
        Whether "adam" and "sgd" shuffle the rows in each epoch.
    random_state : int, RandomState instance or None, default=None
        Seed of initial weights, hold-out, shuffling and dropout. An int makes fits repeatable.
    tol : float, default=1e-4
        Training stops when the loss falls by less than `tol` for `n_iter_no_change` epochs; with
        "lbfgs", when no component of the gradient exceeds `tol`, or when it finds no descent.
    verbose : bool, int or "bar", default=False
        Whether to print the loss of each epoch. "bar" shows the progress in one line on stderr.
    warm_start : bool, default=False
        Whether `fit` continues with the fitted network, in its units of X and y (wider where rows
        need it). `loss_curve_` and `validation_scores_` then grow, and there is no annealing.
    momentum : float, default=0.9
        Momentum of "sgd": the share of each step that carries over to the next one.
    nesterovs_momentum : bool, default=True
        Whether the momentum of "sgd" is Nesterov's, which looks ahead.
    early_stopping : bool or "auto", default="auto"
        Whether to hold out `validation_fraction` of the rows, stop when their loss stalls, and keep
        the weights that were best on them. "auto" does so from 8 rows on if there are hidden
        layers. If `fit` is given ``X_val, y_val``, training always stops early on these. "lbfgs"
        holds none out.
    validation_fraction : float, default=0.15
        Share of the rows that is held out. Several members hold out different rows, so that each
        row trains some of them.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the running means of the gradient and of its square in "adam".
    epsilon : float, default=1e-8
        Small number that keeps the steps of "adam" finite.
    n_iter_no_change : int or "auto", default="auto"
        Number of epochs without improvement that ends the training of a member. "auto" is as many
        as make 1000 steps; if `learning_rate` is not "cosine", it is 10.
    max_fun : int, default=15000
        Largest number of times that "lbfgs" evaluates the loss of each member.
    weight_decay : float, default=0.01
        Share of the weights, times the step size, by which each step of "adam" and "sgd" shrinks
        them. It does not apply to linear networks.
    max_grad_norm : float or None, default=1.0
        Largest norm of a member's gradient: longer ones are shortened to it. None sets no limit.
    annealing : float, default=0.35
        Share of training during which each row is weighted by the square of the width that is
        predicted for it, fully at first and then less and less. The center of y is thus learned as
        if from squared errors before the likelihood decides. 0 turns this off. It affects families
        with a predicted width in networks with hidden layers.
    ema_decay : float, default=0.995
        Share of the running average of the weights that remains at each step of training; it is
        this average that is judged on held-out rows, kept and predicted with. 0 keeps the weights
        of the last step. It does not apply to linear networks, to "lbfgs" and to `partial_fit`.
    recalibrate : {"nll"} or None, default=None
        If "nll", one factor that makes predictions more or less sure, the temperature of the
        scores, is fitted by the negative log-likelihood. The factor is fitted on ``X_val, y_val``
        if they are given, else on a third of the held-out rows, which no member then sees.
    dropout : float, default=0.0
        Share of each hidden layer's units dropped at random in training; 0 for "lbfgs".
    batch_norm : bool, default=False
        Whether the hidden layers are normalized over the batch before their activation.
    weight_init : {"glorot", "he"}, default="glorot"
        How the initial weights of the hidden layers are drawn; "he" suits deep networks of "relu".
        The last layer starts at the fit without x.
    device : str, default="cpu"
        Where the network is trained and predicts: "cpu", or "cuda" ("cuda:1", ...) for a GPU, which
        pays off for large batches and wide layers. If torch sees no GPU, the CPU takes its place,
        and `fit` says so. The fitted attributes are numpy arrays and work on any machine.
    n_threads : int or None, default=None
        Largest number of threads to compute with; None takes as many as torch is allowed to use.
        Steps that are too small to share take one.

    Attributes
    ----------
    n_items_ : int
        Number of items that are ranked.
    network_ : FittedNetwork
        The result of training: the network's weights, and the units of X and y. The attributes
        `distribution_` to `recalibration_`, `n_layers_`, `n_outputs_` and `out_activation_` are
        read-only views of it.
    distribution_ : Distribution
        The family that was fitted.
    coefs_ : list of ndarray of shape (fan_in, fan_out)
        Weight matrices of the layers, with a first axis of members if there are several. The first
        matrix has rows for the numbers of X, for whether they are missing (where `fit` saw gaps),
        for levels of categories, for their learned vectors, and for cosines, in this order.
    intercepts_ : list of ndarray of shape (fan_out,)
        Biases of the layers, with the same first axis if there are several members.
    weights_ : ndarray of shape (n_estimators, n_weights)
        All learned values, one row per member, including the vectors of categories, the frequencies
        and phases of cosines, constant parameters and the gains of batch normalization. `coefs_`
        and `intercepts_` are views of it, or their values in X's units if the network is linear.
    statistics_ : ndarray of shape (n_estimators, 2, n_hidden_units)
        Running means and variances of the hidden units, for batch normalization.
    architecture_ : Architecture
        Sizes of the layers, activation and other traits of the network.
    scaling_ : TargetScaling
        The map between y's units and those of training, to which the weights belong. Counts,
        proportions, angles, labels and rankings stay as they are.
    input_scaling_ : InputScaling or None
        The map from X's units to those of the network; None if the network sees X as it is.
    recalibration_ : float
        The factor that `recalibrate` fitted; above 1, it makes predictions wider or less sure.
    loss_ : float
        Mean negative log-likelihood of the training rows in the last epoch, in nats per row,
        without the penalty.
    best_loss_ : float or None
        Smallest value of `loss_curve_`; None if rows were held out.
    loss_curve_ : list of float
        The loss of each epoch, averaged over the members that were still training.
    validation_scores_ : list of float or None
        Mean log-likelihood of the held-out rows after each epoch; None if there were none.
    best_validation_score_ : float or None
        Mean log-likelihood of the held-out rows with the weights that were kept: the largest of
        `validation_scores_`, or that of the fit without x if training found nothing better. With
        several members, it is the mean of their own best scores.
    n_iter_ : int
        Number of epochs, or of iterations of "lbfgs".
    t_ : int
        Number of rows seen in training, counting repetitions.
    n_layers_ : int
        Number of layers, including those of X and of the outputs.
    n_outputs_ : int
        Number of outputs of the network, one score for each item.
    out_activation_ : str
        Name of the map from raw outputs to the probabilities of the next place: "softmax".
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if X has names that are all strings.

    See Also
    --------
    NLLClassifier : Suits data in which only the best item is known.
    ranks_to_orders : Turns ranks, the place of each item, into the orders that `fit` takes.

    Notes
    -----
    The weights w of the rows are divided by their mean m over all training rows. A batch of B rows
    then has the loss::

        sum(w * -log p(y | x)) / B + alpha / (2 * B * m) * sum(weights**2)

    A row of weight 2 thus counts as two rows, for the penalty too.

    Training starts at the scores that fit best without x. For two items, the network is that of
    logistic regression; for rankings of one place, it is that of multinomial logistic regression.

    References
    ----------
    W. Cheng, K. Dembczynski and E. Huellermeier (2010). Label ranking methods based on the
    Plackett-Luce model. Proceedings of ICML.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklnll import NLLRanker
    >>> X, labels = load_iris(return_X_y=True)
    >>> y = (-GaussianNB().fit(X, labels).predict_log_proba(X)).argsort(axis=1)
    >>> net = NLLRanker(hidden_layer_sizes=(), solver="lbfgs", random_state=0)
    >>> model = make_pipeline(StandardScaler(), net).fit(X, y)
    >>> model.predict(X[:2])
    array([[0, 1, 2],
           [0, 1, 2]])
    """

    def __init__(
        self,
        distribution: str | Distribution = "plackett_luce",
        hidden_layer_sizes: ArrayLike = (128, 128),
        activation: str = "silu",
        *,
        n_estimators: int = 1,
        categorical_features: ArrayLike | str | None = "from_dtype",
        x_scaling: str | None = "robust",
        n_frequencies: int | str = "auto",
        gated_inputs: bool = True,
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
        ema_decay: float = 0.995,
        recalibrate: str | None = None,
        dropout: float = 0.0,
        batch_norm: bool = False,
        weight_init: str = "glorot",
        device: str = "cpu",
        n_threads: int | None = None,
    ):
        self.distribution = distribution
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.n_estimators = n_estimators
        self.categorical_features = categorical_features
        self.x_scaling = x_scaling
        self.n_frequencies = n_frequencies
        self.gated_inputs = gated_inputs
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
        self.ema_decay = ema_decay
        self.recalibrate = recalibrate
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.weight_init = weight_init
        self.device = device
        self.n_threads = n_threads

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.single_output = False
        tags.target_tags.multi_output = True
        return tags

    def _check_family(self, distribution: Distribution) -> None:
        if not isinstance(distribution, RankingDistribution):
            raise ValueError(
                f"NLLRanker predicts rankings, which {distribution!r} is no family of; use "
                "distribution='plackett_luce', or NLLRegressor or NLLClassifier."
            )

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Fit the network by maximum likelihood.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to train on. `categorical_features` says which columns are categories, and NaN is a
            missing number. The network computes in float32 if X is float32, else in float64.
        y : array-like of shape (n_samples, n_items)
            Rankings: each row lists the items 0, ..., n_items - 1, best first. If only the first
            places are known, the row ends in -1. `ranks_to_orders` turns ranks into such rows.
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative weights: a row of weight 2 counts as two rows, one of weight 0 as none.
        X_val, y_val : array-like, optional
            Validation rows. Training stops early on their loss, whatever `early_stopping` says,
            and keeps the weights that were best on them.
        sample_weight_val : array-like, optional
            Weights of the validation rows.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or an argument is not legal; the message says where and what to do.
        """
        return self._fit(FitInput(X, y, sample_weight), FitInput(X_val, y_val, sample_weight_val))
