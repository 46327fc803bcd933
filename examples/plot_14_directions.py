r"""
Directions: an angle as y
=========================

The direction of the wind, the time of day, and the heading of a ship are angles, and the end of a
full turn is its beginning. A regression that takes angles for plain numbers does not know this.
What is the loss of an angle? Rotated handwritten digits show it: by which angle was each digit
turned?
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import rotate
from sklearn.datasets import load_digits

from sklnll import NLLRegressor
from sklnll.metrics import circular_mean_absolute_error, negative_log_likelihood

# %%
# scikit-learn's digits are images of 8 x 8 pixels, by Alpaydin and Kaynak. We take the sevens and
# the zeros and turn each image three times by a random angle, counter-clockwise. All turns of every
# fourth image are held out.

images, digits = load_digits(return_X_y=True)
padded = np.pad(images.reshape(-1, 8, 8) / 16, ((0, 0), (2, 2), (2, 2)))
number = np.repeat(np.flatnonzero((digits == 7) | (digits == 0)), 3)
y = np.random.default_rng(0).uniform(-np.pi, np.pi, size=len(number))
turned = [
    rotate(padded[i], np.rad2deg(angle), reshape=False, order=1)
    for i, angle in zip(number, y, strict=True)
]
X = np.reshape(turned, (len(y), -1))
seven, test = digits[number] == 7, number % 4 == 0

# %%
# The *von Mises distribution* is the normal distribution of the circle,
#
# .. math:: p(y) = \frac{e^{\kappa \cos(y - \mu)}}{2 \pi I_0(\kappa)},
#
# with a direction :math:`\mu` and a concentration :math:`\kappa`; the Bessel function :math:`I_0`
# makes the density integrate to one. Where the normal has a squared error, its negative logarithm
# has :math:`-\kappa \cos(y - \mu)`, a loss that is the same after a full turn. The network of
# :class:`sklnll.NLLRegressor` predicts two numbers whose direction is :math:`\mu`, so that nothing
# jumps at :math:`\pm\pi`, and a third number, :math:`\log \kappa`.
#
# A seven has a top. A zero looks nearly the same upside down: it has an *axis* rather than a
# direction. The usual remedy is to double the angle. Half a turn then becomes a full one, and the
# density of y is that of 2 y, so that likelihoods may be compared.
#
# All pixels have the same unit, so ``x_scaling=None`` leaves them alone.

settings = {"x_scaling": None, "n_estimators": 3, "random_state": 0}
nll, error, miss, dists = {}, {}, {}, {}
for name, family, rows, factor in [
    ("sevens, normal", "normal", seven, 1),
    ("sevens, von Mises", "von_mises", seven, 1),
    ("zeros, von Mises", "von_mises", ~seven, 1),
    ("zeros, doubled", "von_mises", ~seven, 2),
]:
    model = NLLRegressor(family, **settings).fit(X[rows & ~test], factor * y[rows & ~test])
    X_new, y_new = X[rows & test], factor * y[rows & test]
    dists[name], point = model.predict_dist(X_new), model.predict(X_new)
    nll[name] = negative_log_likelihood(y_new, dists[name])
    miss[name] = np.rad2deg(np.abs(np.angle(np.exp(1j * (point - y_new))))) / factor
    error[name] = np.rad2deg(circular_mean_absolute_error(y_new, point)) / factor
    print(f"{name:18s}  NLL {nll[name]:5.2f}, mean error {error[name]:4.1f} degrees")

true = np.rad2deg(y[seven & test])
end, middle = np.abs(true) > 120, np.abs(true) < 60
medians = {name: (np.median(m[end]), np.median(m[middle])) for name, m in list(miss.items())[:2]}
for name, (at_cut, opposite) in medians.items():
    print(f"{name:18s}  median error {at_cut:4.1f} near the cut, {opposite:4.1f} opposite to it")

assert error["sevens, von Mises"] < min(error["sevens, normal"] / 1.5, 12)
assert nll["sevens, von Mises"] < nll["sevens, normal"] - 0.5
assert medians["sevens, normal"][0] > 1.3 * medians["sevens, normal"][1]
assert medians["sevens, normal"][0] > 3 * medians["sevens, von Mises"][0]
assert nll["zeros, doubled"] < nll["zeros, von Mises"] - 0.5
assert np.mean(miss["zeros, von Mises"] > 135) > 0.05
assert error["zeros, doubled"] < 8 < 20 < error["zeros, von Mises"]

# %%
# The left half shows each held-out seven. The right half shows held-out images and their predicted
# densities as rings. The thickness of a ring, from its inner edge outwards, is the square root of
# the density, so that areas are probabilities. The black line is the truth: it points to where the
# top of the digit went.

figure = plt.figure(figsize=(11, 4.8), layout="constrained")
left = figure.add_subplot(1, 2, 1)
for name, mark in [("sevens, normal", "x"), ("sevens, von Mises", ".")]:
    left.plot(true, miss[name], mark, ms=7, label=name)
left.set(xlabel="true angle (degrees)", ylabel="error (degrees)", xticks=range(-180, 181, 60))
left.set(title="Sevens: a line is cut at ±180 degrees, a circle is not")
left.legend(loc="upper center")

grid = np.linspace(-np.pi, np.pi, 721)
for place, name, row in [
    (3, "sevens, von Mises", 4),
    (4, "sevens, von Mises", 9),
    (7, "zeros, von Mises", 4),
    (8, "zeros, doubled", 4),
]:
    rows, factor = (seven if "sevens" in name else ~seven) & test, 2 if "doubled" in name else 1
    height = np.sqrt(dists[name][row : row + 1].pdf(factor * grid[:, None]))[:, 0]
    ax = figure.add_subplot(2, 4, place, projection="polar", theta_offset=np.pi / 2)
    ax.fill_between(grid, 0, height, color="tab:orange", alpha=0.7)
    ax.plot([y[rows][row]] * 2, [0, height.max()], color="black")
    ax.set(title=name, rorigin=-height.max(), rticks=[], ylim=(0, 1.05 * height.max()))
    ax.set(xticks=np.arange(4) * np.pi / 2, xticklabels=[])
    hole = ax.inset_axes([0.34, 0.34, 0.32, 0.32])
    hole.imshow(X[rows][row].reshape(12, 12)[1:-1, 1:-1], cmap="gray_r")
    hole.axis("off")
plt.show()

# %%
# The normal takes angles for numbers and misses more where the circle was cut open. A turn of 179
# degrees and a turn of -179 degrees look alike, and between them its network has to go all the way
# back. The von Mises has no such place; its errors are far smaller, and so is its loss. The zeros
# show once more that the distribution must fit the values y can take. With a single peak, many a
# zero comes out upside down, and the density of this one covers the whole circle. For the doubled
# angle, one peak is enough. On the original circle it becomes two peaks: this zero may stand on
# either end, but it does not lie on its side.
