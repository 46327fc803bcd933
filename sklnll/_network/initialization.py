"""With which weights does training begin? With those of the fit without x."""

import math

import numpy as np

from .weights import GATE_RATE, Architecture

_FREQUENCY = 0.1
"""Standard deviation of the frequencies at the start, in turns per unit of a scaled number."""


def initial_weights(
    architecture: Architecture,
    raw: np.ndarray,
    constants: np.ndarray,
    weight_init: str,
    random_state: np.random.RandomState,
) -> np.ndarray:
    """Draw one member's learned values, in float64.

    The last layer starts at zero weights and the biases `raw`: training starts as the null model,
    the marginal maximum-likelihood fit. Vectors of categories start at zero, and gates at 1.

    Parameters
    ----------
    architecture : Architecture
    raw : ndarray of shape (n_raw,)
    constants : ndarray of shape (n_constants,)
    weight_init : {"glorot", "he"}
        "glorot" is uniform, biases too, as in scikit-learn's perceptrons; "he" is normal with
        variance 2 / fan_in, with biases of zero.
    random_state : RandomState

    Returns
    -------
    ndarray of shape (n_weights,)

    References
    ----------
    X. Glorot and Y. Bengio (2010). Understanding the difficulty of training deep feedforward
    neural networks. K. He et al. (2015). Delving deep into rectifiers. arXiv:1502.01852
    """
    pieces = [np.zeros(math.prod(shape)) for shape in architecture.embeddings]
    pieces += _draw_waves(architecture, random_state)
    pieces.append(np.full(architecture.n_gates, 1 / GATE_RATE))
    for fans in architecture.fans[:-1]:
        pieces += _draw_layer(fans, architecture.activation, weight_init, random_state)
        if architecture.batch_norm:
            pieces.append(np.ones(fans[1]))
    last_matrix = np.zeros(math.prod(architecture.fans[-1]))
    return np.concatenate([*pieces, last_matrix, raw, constants])


def _draw_waves(
    architecture: Architecture, random_state: np.random.RandomState
) -> list[np.ndarray]:
    """Draw frequencies and phases."""
    shape = (architecture.n_waves, architecture.n_frequencies)
    frequencies = random_state.normal(scale=_FREQUENCY, size=shape)
    return [frequencies.ravel(), random_state.uniform(size=shape).ravel()]


def _draw_layer(
    fans: tuple[int, int], activation: str, weight_init: str, random_state: np.random.RandomState
) -> list[np.ndarray]:
    """Draw the matrix and the bias of a hidden layer."""
    fan_in, fan_out = fans
    if weight_init == "he":
        matrix = random_state.normal(scale=np.sqrt(2 / fan_in), size=fan_in * fan_out)
        return [matrix, np.zeros(fan_out)]
    gain = 2.0 if activation == "logistic" else 6.0
    bound = np.sqrt(gain / (fan_in + fan_out))
    return [
        random_state.uniform(-bound, bound, fan_in * fan_out),
        random_state.uniform(-bound, bound, fan_out),
    ]
