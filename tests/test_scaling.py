import numpy as np
import pytest
import torch
from distributions.cases import CASES, CONTINUOUS, LABELS, MIXED, NUMBERS, accepts, make_head
from plain import marginal_raw
from scipy import stats

from sklnll._data.y_units import TargetScaling
from sklnll.distributions import DISTANCE, DISTRIBUTIONS, PLACE

AFFINE = [name for name in NUMBERS if DISTRIBUTIONS[name]().support.units == "affine"]
RATIO = [name for name in NUMBERS if DISTRIBUTIONS[name]().support.units == "ratio"]
PURE = [name for name in DISTRIBUTIONS if DISTRIBUTIONS[name]().support.units == "none"]

_spread = np.array([1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0])
EXTREME_Y = {
    "tiny": 1e-300 * _spread,
    "huge": 1e299 * _spread,
    "both signs huge": 1e299 * (_spread - 7),
    "all zero": np.zeros(7),
    "all equal": np.full(7, 0.1),
    "all equal and huge": np.full(7, 1e300),
    "nearly equal": 1 + 1e-15 * _spread,
    "one row": np.array([0.3]),
    "outlier": np.append(_spread, 1e300),
    "negative outlier": np.append(_spread, -1e300),
    "tiny proportions": np.append(1e-300 * _spread, 0.5),
    "near one": 1 - 2.0**-50 * _spread,
    "zero and one": np.array([0.0, 1.0]),
}


def fit(name, y, weight=None):
    y = y[:, None]
    weight = np.ones(len(y)) if weight is None else weight
    return TargetScaling.fit(DISTRIBUTIONS[name](), y, weight)


@pytest.mark.parametrize("name", NUMBERS)
def test_scaled_values_come_back(name):
    y = CASES[name].sample
    scaling = fit(name, y)
    np.testing.assert_allclose(
        scaling.scale(y[:, None]) * scaling.unit + scaling.shift, y[:, None], rtol=1e-14, atol=1e-14
    )


def test_normal_is_standardised():
    y = CASES["normal"].sample
    np.testing.assert_allclose(
        fit("normal", y).scale(y[:, None])[:, 0], stats.zscore(y), rtol=1e-12
    )


@pytest.mark.parametrize("name", ["laplace", "student_t"])
def test_robust_families_are_centred_on_the_median(name):
    y = CASES[name].sample
    scaling = fit(name, y)
    assert scaling.shift == np.median(y)
    expected = stats.median_abs_deviation(y, scale="normal")
    assert scaling.unit == pytest.approx(expected, rel=1e-4)  # 1.4826 has five digits


@pytest.mark.parametrize("name", RATIO)
def test_positive_families_are_divided_by_their_mean(name):
    y = CASES[name].sample
    scaling = fit(name, y)
    assert scaling.shift == 0
    assert scaling.unit == pytest.approx(y.mean(), rel=1e-14)


@pytest.mark.parametrize("name", PURE)
def test_pure_numbers_are_left_alone(name):
    y = CASES[name].sample
    scaling = fit(name, y)
    np.testing.assert_array_equal(scaling.scale(y[:, None])[:, 0], y)
    assert scaling.log_jacobian == 0


@pytest.mark.parametrize("name", CONTINUOUS + MIXED)
def test_density_gets_the_jacobian_back(name):
    case, units = CASES[name], DISTRIBUTIONS[name]().units
    scaling, y = fit(name, case.sample), case.sample[:, None]
    scaled = {
        key: scaling.scale_parameter(units.get(key), value)[None]
        for key, value in rows_of(case).items()
    }
    tensors = {key: torch.tensor(value) for key, value in scaled.items()}
    in_training = DISTRIBUTIONS[name]().log_prob(torch.tensor(scaling.scale(y)), **tensors)
    log_density = in_training.numpy() - DISTRIBUTIONS[name]().is_density(y) * scaling.log_jacobian
    expected = case.scipy(**rows_of(case)).logpdf(y)
    np.testing.assert_allclose(log_density, expected, rtol=1e-9, atol=1e-12)


def rows_of(case):
    """Parameters of the first row."""
    return {key: value[0] for key, value in case.params.items()}


@pytest.mark.parametrize("name", NUMBERS)
def test_fixed_parameters_come_back(name):
    scaling, units = fit(name, CASES[name].sample), DISTRIBUTIONS[name]().units
    for key, values in rows_of(CASES[name]).items():
        value = np.ravel(values)[0]
        there = scaling.scale_parameter(units.get(key), value)
        back = scaling.unscale_parameter(units.get(key), there[None, None])
        assert back == pytest.approx(value, rel=1e-13)


def test_each_output_has_units_of_its_own():
    y = np.column_stack([CASES["normal"].sample, 1e6 * CASES["laplace"].sample[::-1] + 7])
    both = TargetScaling.fit(DISTRIBUTIONS["normal"](), y, np.ones(len(y)))
    first, second = fit("normal", y[:, 0]), fit("normal", y[:, 1])
    np.testing.assert_allclose(both.shift, [*first.shift, *second.shift])
    np.testing.assert_allclose(both.unit, [*first.unit, *second.unit])
    assert both.log_jacobian.sum() == pytest.approx((first.log_jacobian + second.log_jacobian)[0])
    loc = np.ones((1, 3, 2))
    np.testing.assert_allclose(both.unscale_parameter(PLACE, loc), loc * both.unit + both.shift)
    np.testing.assert_allclose(both.unscale_parameter(DISTANCE, loc), loc * both.unit)
    np.testing.assert_allclose(both.unscale_parameter(None, loc), loc)


def test_vectors_keep_their_axis():
    scaling = TargetScaling(np.array([1.0, 2.0]), np.array([10.0, 100.0]))
    value = np.ones((5, 3, 2, 4))
    assert scaling.unscale_parameter(PLACE, value).shape == (5, 3, 2, 4)
    np.testing.assert_allclose(scaling.unscale_parameter(PLACE, value)[0, 0, :, 0], [11.0, 102.0])


@pytest.mark.parametrize("name", NUMBERS)
def test_integer_weights_are_repeated_rows(name):
    y = CASES[name].sample
    counts = np.random.RandomState(0).randint(0, 4, len(y))
    weighted, repeated = fit(name, y, counts.astype(float)), fit(name, np.repeat(y, counts))
    np.testing.assert_allclose(weighted.shift, repeated.shift, rtol=1e-13)
    np.testing.assert_allclose(weighted.unit, repeated.unit, rtol=1e-13)


@pytest.mark.parametrize("name", AFFINE + RATIO)
def test_change_of_units_moves_the_scaling_only(name):
    y = CASES[name].sample
    a, b = 3.7e5, (-2e4 if name in AFFINE else 0.0)
    before, after = fit(name, y), fit(name, a * y + b)
    np.testing.assert_allclose(
        after.scale((a * y + b)[:, None]), before.scale(y[:, None]), rtol=1e-11, atol=1e-11
    )


def is_legal(name, y):
    if name in LABELS:
        return np.isin(y, [0, 1]).all()
    return accepts(DISTRIBUTIONS[name](), y)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (name, kind)
        for name in [*NUMBERS, *LABELS]
        for kind in EXTREME_Y
        if is_legal(name, EXTREME_Y[kind])
    ],
)
def test_extreme_legal_y_is_scaled_and_fitted_without_nan(name, kind):
    y, family = EXTREME_Y[kind], DISTRIBUTIONS[name]()
    scaling = fit(name, y)
    assert (scaling.unit > 0).all()
    assert np.isfinite([scaling.shift, scaling.unit]).all()
    assert np.isfinite(scaling.log_jacobian)

    scaled = scaling.scale(y[:, None])
    assert np.isfinite(scaled).all()
    head = make_head(family, size=CASES[name].size)
    raw, constant = marginal_raw(head, scaled, np.ones(len(y)))
    assert np.isfinite(raw).all()

    leaf = torch.tensor(raw, requires_grad=True)
    nll = head.nll(leaf[None], torch.tensor(constant), torch.tensor(scaled))
    assert nll.isfinite().all()
    (gradient,) = torch.autograd.grad(nll.sum(), leaf)
    assert gradient.isfinite().all()
    for key, value in head.params(torch.tensor(raw[None]), torch.tensor(constant)).items():
        unscaled = scaling.unscale_parameter(family.units.get(key), value.numpy()[None])
        assert np.isfinite(unscaled).all()


@pytest.mark.parametrize("name", AFFINE + RATIO)
@pytest.mark.parametrize("power", [-990, -300, 300, 990])
def test_powers_of_two_of_y_change_no_digit(name, power):
    y = CASES[name].sample
    before, after = fit(name, y), fit(name, y * 2.0**power)
    np.testing.assert_array_equal(after.scale(y[:, None] * 2.0**power), before.scale(y[:, None]))
