import mpmath as mp
import numpy as np
import pytest
import torch
from scipy import special

from sklnll.distributions import DISTRIBUTIONS, Bernoulli, Categorical, StudentT

from .cases import CASES, COMPOUND, LEARNED, NAMES, NUMBERS, make_head, tensors


def log_prob(name, y, params):
    return DISTRIBUTIONS[name]().log_prob(torch.tensor(y), **tensors(params)).numpy()


def exact(value):
    """A float, or an array of them, as mpmath's numbers."""
    return [exact(v) for v in value] if np.ndim(value) else mp.mpf(float(value))


def exact_log_density(name, y, params):
    return CASES[name].log_density(exact(y), **{key: exact(value) for key, value in params.items()})


def by_row(y, params):
    for i, value in enumerate(y):
        yield value, {key: column[i] for key, column in params.items()}


def test_every_family_has_a_case():
    assert set(CASES) == set(DISTRIBUTIONS)
    for name, case in CASES.items():
        for params in (case.params, case.extreme, case.large):
            assert set(params) == set(DISTRIBUTIONS[name]().parameters)


@pytest.mark.parametrize("name", NAMES)
def test_log_prob_is_scipys_or_torchs(name):
    case = CASES[name]
    y, params = case.pairs(case.params)
    frozen = case.scipy(**params)
    with np.errstate(all="ignore"):
        scipys = getattr(frozen, "logpdf", None) or frozen.logpmf
        scipys = scipys(y)
    torchs = case.torch(**tensors(params)).log_prob(torch.tensor(y)).numpy()
    ours = log_prob(name, y, params)
    # In the tails one of them underflows or loses digits; the next test decides there.
    with np.errstate(invalid="ignore"):
        scipy_is_closer = (scipys == ours) | (np.abs(scipys - ours) < np.abs(torchs - ours))
    theirs = np.where(scipy_is_closer, scipys, torchs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["params", "extreme", "large"])
@pytest.mark.parametrize("name", NAMES)
def test_log_prob_is_exact_over_the_whole_domain(name, kind):
    y, params = CASES[name].pairs(getattr(CASES[name], kind))
    with mp.workdps(350):
        exactly = [float(exact_log_density(name, *row)) for row in by_row(y, params)]
    # atol: a log-density near zero is a difference of numbers up to 1e3.
    np.testing.assert_allclose(log_prob(name, y, params), exactly, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_float32_log_prob_is_float64s_for_large_shapes(name):
    case = CASES[name]
    # Not the far tails: there the log-density itself has fewer digits than 1e-4.
    y, params = case.pairs(case.large, far=False)
    y, params = torch.tensor(y).float(), tensors(params, torch.float32)
    family = DISTRIBUTIONS[name]()
    single = family.log_prob(y, **params)
    double = family.log_prob(y.double(), **{key: value.double() for key, value in params.items()})
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), double, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_gradient_is_finite_differences(name):
    y, params = CASES[name].pairs(CASES[name].params, far=False)
    # A kink has no finite difference: the median is left out.
    kinks = params.get("loc", np.full(len(y), np.inf)).reshape(len(y), -1)
    off_kink = (y.reshape(len(y), -1) != kinks).all(axis=1)
    y = torch.tensor(y[off_kink])
    inputs = {key: value[off_kink] for key, value in tensors(params).items()}
    leaves = [inputs[key].requires_grad_() for key in LEARNED[name]]

    def log_prob_of(*values):
        learned = dict(zip(LEARNED[name], values, strict=True))
        return DISTRIBUTIONS[name]().log_prob(y, **{**inputs, **learned})

    assert torch.autograd.gradcheck(log_prob_of, leaves, eps=1e-7, rtol=1e-5)


@pytest.mark.parametrize("name", NUMBERS)
def test_gradient_is_exact_for_extreme_parameters(name):
    y, params = CASES[name].pairs(CASES[name].extreme, far=False)
    inputs = tensors(params)
    leaves = {key: inputs[key].requires_grad_() for key in LEARNED[name]}
    total = DISTRIBUTIONS[name]().log_prob(torch.tensor(y), **inputs).sum()
    gradients = torch.autograd.grad(total, list(leaves.values()))
    with mp.workdps(350):
        for key, gradient in zip(leaves, gradients, strict=True):
            # In units of the parameter, in which gradients are pure numbers.
            units = {
                "loc": params.get("scale", np.ones(gradient.shape)),
                "logits": np.ones(gradient.shape),
            }
            unit = units.get(key, params[key])
            exactly = np.empty(gradient.shape)
            for place in np.ndindex(gradient.shape):
                row = {k: exact(value[place[0]]) for k, value in params.items()}
                value = exact(y[place[0]])
                exactly[place] = elasticity(name, key, value, row, exact(unit[place]), *place[1:])
            # Near its zero a gradient is a difference of numbers as large as it is elsewhere.
            atol = 1e-12 * max(1, np.max(np.abs(exactly)))
            np.testing.assert_allclose(gradient.numpy() * unit, exactly, rtol=1e-9, atol=atol)


def elasticity(name, key, y, params, unit, *component):
    """unit * d log_density / d params[key], by a central difference in 350 digits."""
    step = unit * mp.mpf(10) ** -20
    above = CASES[name].log_density(y, **stepped(params, key, step, *component))
    below = CASES[name].log_density(y, **stepped(params, key, -step, *component))
    return unit * (above - below) / (2 * step)


def stepped(params, key, step, *component):
    """Parameters of which one, or one component of one, is larger by a step."""
    value = params[key] + step if not component else list(params[key])
    for k in component:
        value[k] += step
    return {**params, key: value}


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_gets_a_gradient(name):
    case, family = CASES[name], DISTRIBUTIONS[name]()
    head = make_head(family, size=case.size)
    random = np.random.RandomState(0)
    raw = torch.tensor(random.uniform(-3, 3, (81, head.layout.n_predicted)), requires_grad=True)
    constant = torch.tensor(random.uniform(-3, 3, (1, head.layout.n_constant)), requires_grad=True)
    nll = head.nll(raw, constant[0], torch.tensor(case.sample)[:, None])
    gradients = torch.autograd.grad(
        nll.sum(), [raw, constant], allow_unused=not head.layout.n_constant
    )
    for gradient in gradients[: 1 + bool(head.layout.n_constant)]:
        assert gradient.isfinite().all()
        # A y at an atom says nothing about the base, and at times only there is anything to say.
        reached = gradient != 0
        assert (reached.any(dim=0) if name in COMPOUND else reached.all(dim=0)).all()


@pytest.mark.parametrize("far", [-1e30, -1e4, 1e4, 1e30])
@pytest.mark.parametrize("name", NAMES)
def test_one_far_raw_output_gives_no_nan(name, far):
    case = CASES[name]
    head = make_head(DISTRIBUTIONS[name](), size=case.size)
    for column in range(head.layout.n_predicted):
        raw = torch.zeros(81, head.layout.n_predicted, dtype=torch.float64)
        raw[:, column] = far
        raw.requires_grad_()
        constant = torch.zeros(head.layout.n_constant)
        nll = head.nll(raw, constant, torch.tensor(case.sample)[:, None])
        (gradient,) = torch.autograd.grad(nll.sum(), raw)
        assert not nll.isnan().any()
        assert not gradient.isnan().any()


@pytest.mark.parametrize("family", [Bernoulli(), Categorical()])
def test_sure_label_costs_nothing_or_much_but_finite(family):
    y = torch.tensor([1.0, 0.0])
    logits = torch.tensor([1e4, 1e4], dtype=torch.float64)
    if isinstance(family, Categorical):
        logits = torch.stack([torch.zeros_like(logits), logits], dim=-1)
    right, wrong = (-family.log_prob(y, logits)).tolist()
    assert right == 0
    assert wrong == 1e4


def test_categorical_with_two_classes_is_bernoulli():
    logits = torch.linspace(-800, 800, 41, dtype=torch.float64)
    pair = torch.stack([0.3 - logits / 3, 0.3 + 2 * logits / 3], dim=-1)
    for label in (0.0, 1.0):
        y = torch.full_like(logits, label)
        # atol: the softmax rounds probabilities near 1.
        torch.testing.assert_close(
            Categorical().log_prob(y, pair), Bernoulli().log_prob(y, logits), rtol=1e-13, atol=1e-15
        )


def test_categorical_gradient_is_residual_of_softmax():
    y, params = CASES["categorical"].pairs(CASES["categorical"].extreme)
    logits = tensors(params)["logits"].requires_grad_()
    Categorical().log_prob(torch.tensor(y), logits).sum().backward()
    residual = np.eye(3)[y.astype(int)] - special.softmax(params["logits"], axis=1)
    np.testing.assert_allclose(logits.grad, residual, atol=1e-15)


def test_student_t_with_many_degrees_of_freedom_is_normal():
    z = torch.linspace(-6, 6, 25, dtype=torch.float64)
    one = torch.ones_like(z)
    normal = DISTRIBUTIONS["normal"]().log_prob(z, 0 * one, one)
    for df in (1e15, 1e100, 1e300):
        t = StudentT().log_prob(z, df * one, 0 * one, one)
        torch.testing.assert_close(t, normal, rtol=1e-11, atol=1e-11)
