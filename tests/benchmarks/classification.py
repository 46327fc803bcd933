"""How good are the predicted probabilities, beside scikit-learn's classifiers?

Stratified splits with a tenth of the rows to test; the log-loss decides. Run from the checkout::

    python tests/benchmarks/classification.py --save docs/classification.csv
    python tests/benchmarks/classification.py --table docs/classification.csv
"""

from comparison import main  # first: it limits the threads

# isort: split
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklnll import NLLClassifier

# Tasks -------------------------------------------------------------------------------------------


def task(X, y):
    def rows_of(split):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, test_size=0.1, random_state=split, stratify=y
        )
        return X_train, y_train, X_test, y_test

    return rows_of


def generated(seed, **params):
    return task(*make_classification(1500, 20, random_state=seed, **params))


TASKS = {
    "breast cancer": task(*load_breast_cancer(return_X_y=True)),
    "digits": task(*load_digits(return_X_y=True)),
    "wine": task(*load_wine(return_X_y=True)),
    "one in twenty": generated(0, n_informative=6, weights=[0.95], flip_y=0.02),
    "a fifth mislabelled": generated(1, n_informative=8, flip_y=0.2),
    "four uneven classes": generated(
        2, n_informative=8, n_classes=4, weights=[0.6, 0.25, 0.1], flip_y=0.05
    ),
}


# Models: from training rows to a function that predicts probabilities ----------------------------


def network(**params):
    def fit(X, y, seed):
        net = NLLClassifier(random_state=seed, **params)
        return net.fit(X.astype(np.float32), y).predict_proba

    return fit


def scaled(make):
    def fit(X, y, seed):
        return make_pipeline(StandardScaler(), make(seed)).fit(X, y).predict_proba

    return fit


def perceptron(seed):
    return MLPClassifier((128, 128), random_state=seed)


def five_perceptrons(X, y, seed):
    members = [scaled(perceptron)(X, y, 5 * seed + k) for k in range(5)]
    return lambda X_test: np.mean([predict(X_test) for predict in members], axis=0)


MODELS = {
    "LogisticRegression": scaled(lambda seed: LogisticRegression(max_iter=1000)),
    "HistGradientBoosting": scaled(lambda seed: HistGradientBoostingClassifier(random_state=seed)),
    "MLPClassifier": scaled(perceptron),
    "five MLPClassifiers": five_perceptrons,
    "sklnll": network(n_estimators=5),
    "sklnll, one member": network(),
    "sklnll, 8 cosines": network(n_estimators=5, n_frequencies=8),
    "sklnll, recalibrated": network(n_estimators=5, recalibrate="nll"),
}


def scores(proba, y):
    return {"log-loss": log_loss(y, proba), "accuracy": np.mean(proba.argmax(axis=1) == y)}


if __name__ == "__main__":
    main(__doc__, TASKS, MODELS, scores)
