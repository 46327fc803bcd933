"""Every family's frozen law has all methods of the protocol, and broadcasts as scipy's do."""

import numpy as np
import pytest
from sklearn.preprocessing import FunctionTransformer

from sklnll._laws.numerical import numerical_law
from sklnll._laws.protocols import FrozenLaw, FrozenMass, FrozenVectorLaw
from sklnll.distributions import (
    Censored,
    FromTorch,
    Normal,
    Truncated,
    ensemble_of,
)
from sklnll.predictive import ContinuousPredictive, transformed

from .cases import CASES, DISCRETE, FAMILIES, LABELS, NUMBERS, RANKINGS, VECTORS, torch

OF_A_VALUE = ["cdf", "sf", "logcdf", "logsf"]
OF_A_LEVEL = ["ppf", "isf"]
SUMMARIES = ["mean", "median", "var", "std", "entropy"]
AVERAGED = ["normal", "gamma", "beta", "von_mises", "poisson", "zero_one_inflated_beta"]
"""One of each kind of average."""


def methods_of(protocol):
    return {name for part in protocol.__mro__ for name in vars(part) if name[0] != "_"}


def averages(name):
    """Two rows of two members, each the row of that number of the family's case."""
    members = {key: value[[[0, 1], [1, 2]]] for key, value in CASES[name].params.items()}
    return ensemble_of(FAMILIES[name], 2).frozen(weight=np.full((2, 2), 0.5), **members)


def squares():
    dist = ContinuousPredictive(Normal(), {"loc": np.array([5.0, 6.0]), "scale": np.ones(2)})
    return transformed(dist, FunctionTransformer(np.cbrt, lambda z: z**3)).to_scipy()


LAWS = {
    **{name: lambda name=name: FAMILIES[name].frozen(**CASES[name].params) for name in NUMBERS},
    **{f"average of {name}": lambda name=name: averages(name) for name in AVERAGED},
    "bernoulli": lambda: FAMILIES["bernoulli"].frozen(logits=np.array([0.3, -1.0])),
    "censored": lambda: Censored(Normal()).frozen(loc=np.zeros(2), scale=np.ones(2)),
    "truncated": lambda: Truncated(Normal()).frozen(
        loc=np.zeros(2), scale=np.ones(2), low=np.zeros(2), high=np.full(2, 5.0)
    ),
    "from torch": lambda: FromTorch(torch.distributions.HalfNormal).frozen(scale=np.ones(2)),
    "numerical counts": lambda: numerical_law(FAMILIES["poisson"], {"rate": np.array([1.0, 5.0])}),
    "transformed": squares,
}


# An angle's variance is that of the circle; the one on the line takes scipy seconds.
QUICK = [name for name in LAWS if "von_mises" not in name]


@pytest.fixture(params=LAWS)
def law(request):
    with np.errstate(all="ignore"):
        yield LAWS[request.param]()


@pytest.fixture(params=QUICK)
def quick(request):
    with np.errstate(all="ignore"):
        yield LAWS[request.param]()


def test_it_has_all_methods_of_the_protocol(law):
    assert {*OF_A_VALUE, *OF_A_LEVEL, *SUMMARIES, "rvs", "support"} == methods_of(FrozenLaw)
    assert methods_of(FrozenLaw) <= set(dir(law))


@pytest.mark.parametrize("name", [*DISCRETE, "average of poisson", "numerical counts"])
def test_a_law_of_counts_has_masses(name):
    law, y = LAWS[name](), np.array([[0.0], [2.0]])
    assert methods_of(FrozenMass) <= set(dir(law))
    np.testing.assert_allclose(law.pmf(y), np.exp(law.logpmf(y)))


def test_it_broadcasts_as_scipys(law):
    shape = np.shape(law.ppf(0.5))
    assert len(shape) == 1
    for methods, value in ((OF_A_VALUE, law.ppf(0.3)), (OF_A_LEVEL, np.full(shape, 0.3))):
        for method in methods:
            answer = getattr(law, method)
            assert np.shape(answer(value)) == shape
            assert np.shape(answer(value[0])) == shape
            assert np.shape(answer(np.stack([value, value, value]))) == (3, *shape)
            assert np.shape(answer(np.full((3, 1), value[0]))) == (3, *shape)
    low, high = law.support()
    assert (low <= law.ppf(1e-3)).all()
    assert (law.isf(1e-3) <= high).all()


def test_its_summaries_are_one_for_each_set_of_parameters(quick):
    shape = np.shape(quick.ppf(0.5))
    for method in SUMMARIES:
        assert np.broadcast_shapes(np.shape(getattr(quick, method)()), shape) == shape
    np.testing.assert_allclose(quick.median(), quick.ppf(0.5), rtol=1e-12)
    np.testing.assert_allclose(quick.std() ** 2, quick.var(), rtol=1e-9)


def test_it_draws_in_any_shape_from_any_source(law):
    shape = np.shape(law.ppf(0.5))
    for seed in (0, np.random.RandomState(0), np.random.default_rng(0), None):
        assert np.shape(law.rvs(random_state=seed)) == shape
    draws = law.rvs(size=(7, *shape), random_state=3)
    assert np.shape(draws) == (7, *shape)
    np.testing.assert_array_equal(draws, law.rvs(size=(7, *shape), random_state=3))


@pytest.mark.parametrize("name", VECTORS)
def test_a_joint_law_has_all_methods_of_its_protocol(name):
    params = {key: value[0] for key, value in CASES[name].params.items()}
    assert methods_of(FrozenVectorLaw) == {"logpdf", "pdf", "entropy", "rvs"}
    assert methods_of(FrozenVectorLaw) <= set(dir(FAMILIES[name].frozen(**params)))


@pytest.mark.parametrize("name", [name for name in LABELS + RANKINGS if name != "bernoulli"])
def test_what_a_family_lacks_is_said_by_its_name(name):
    family = FAMILIES[name]
    with pytest.raises(NotImplementedError, match=f"^{type(family).__name__} does not implement"):
        family.frozen(**CASES[name].params)


@pytest.mark.parametrize(
    ("name", "ensemble"),
    [
        ("dirichlet", "VectorEnsemble"),
        ("plackett_luce", "RankingEnsemble"),
        ("categorical", "LabelEnsemble"),
    ],
)
def test_what_an_average_lacks_is_said_by_its_name(name, ensemble):
    with pytest.raises(NotImplementedError, match=f"^{ensemble} does not implement frozen"):
        ensemble_of(FAMILIES[name], 2).frozen()
