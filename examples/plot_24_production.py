"""
A model in production: save, serve, watch
=========================================

A fitted model has to be stored, loaded somewhere else, queried through an interface, and monitored,
because the world moves on. Which of these tasks do standard tools solve, and how do you notice that
the predictions no longer hold?
"""

import json
import tempfile
import time
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from statsmodels.datasets import elnino

from sklnll import NLLRegressor, predict_dist

# %%
# Fit
# ---
# The surface temperature of the Pacific off Peru was measured each month from 1950 to 2010 (NOAA's
# region Niño 1+2, from statsmodels). We predict the temperature three months ahead, from the
# calendar month of the prediction and the temperature now. We pretend that it is the end of 1976,
# so the rows after that do not exist yet.

table = elnino.load_pandas().data.set_index("YEAR")
temperature = table.to_numpy().ravel()
X = pd.DataFrame({"month": np.tile(np.arange(1, 13), len(table))[3:], "now": temperature[:-3]})
y, year = temperature[3:], np.repeat(table.index.to_numpy(), 12)[3:]
when = year + X["month"] / 12
past = year < 1977


def circle(month):
    angle = 2 * np.pi * np.asarray(month) / 12
    return np.column_stack([np.cos(angle), np.sin(angle)])


columns = make_column_transformer(
    (FunctionTransformer(circle), ["month"]), ("passthrough", ["now"])
)
model = make_pipeline(columns, NLLRegressor(n_estimators=5, random_state=0)).fit(X[past], y[past])

# %%
# Save and load
# -------------
# joblib stores the pipeline. The loaded pipeline makes the same predictions to the last bit, and
# with ``mmap_mode="r"`` several processes share the weights. If another version of the library
# wrote the file, loading warns about it. A pickle can run anything, so do not load one that you do
# not trust, or use skops.

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "model.joblib"
    joblib.dump(model, path)
    print(f"{path.stat().st_size / 1e6:.1f} MB")
    loaded = joblib.load(path)
    shared = joblib.load(path, mmap_mode="r")
    for copy in (loaded, shared):
        assert np.array_equal(
            predict_dist(copy, X).ppf([0.1, 0.9]), predict_dist(model, X).ppf([0.1, 0.9])
        )
    del shared, copy

# %%
# Serve
# -----
# Rows arrive as JSON. :func:`sklnll.predict_dist` reaches through the pipeline, and one
# distribution answers every question: a number, an interval, or the probability of passing a limit.


def serve(rows, limit=26.0):
    dist = predict_dist(loaded, pd.DataFrame(rows))
    answer = np.column_stack([dist.mean(), dist.interval(0.9), dist.sf(limit)])
    return pd.DataFrame(answer.round(3), columns=["mean", "low", "high", "above"]).to_dict(
        "records"
    )


request = '[{"month": 3, "now": 23.5}, {"month": 3, "now": 25.5}, {"month": 9, "now": 22.0}]'
answers = serve(json.loads(request))
print(*answers, sep="\n")
assert answers[0]["above"] < answers[1]["above"]
assert answers[2]["above"] < 0.01

# %%
# scikit-learn refuses a row that lacks a column, and the network refuses infinity. A temperature
# that is missing is answered, but no temperature was missing in training, so it counts as unknown:
# the interval is wider, and the distribution's ``novelty`` is infinite.

(unknown,) = serve([{"month": 3, "now": None}])
print(unknown)
assert unknown["high"] - unknown["low"] > 1.3 * (answers[0]["high"] - answers[0]["low"])
assert np.isinf(predict_dist(loaded, pd.DataFrame({"month": [3], "now": [np.nan]})).novelty)

for bad in ({"month": 3}, {"month": 3, "now": float("inf")}):
    try:
        serve([bad])
    except ValueError as error:
        print(str(error).splitlines()[0])
    else:
        raise AssertionError(f"{bad} was answered")

# %%
# A call has a fixed cost, whatever its number of rows, so it is best to send rows in batches.

sizes, latency = [1, 10, 100, 1000, 10_000], []
for size in sizes:
    rows = X.sample(size, replace=True, random_state=0)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        predict_dist(loaded, rows).interval(0.9)
        seconds.append(time.perf_counter() - start)
    latency.append(1000 * np.median(seconds) / size)
assert 10 * latency[1] < 5 * latency[0]
assert latency[-1] < latency[0] / 5

# %%
# Watch
# -----
# The years pass. Each new temperature has a probability integral transform, which is the predicted
# probability of a lower temperature. As long as the predictions hold, its mean is 0.5.

dist = predict_dist(loaded, X)
transform = dist.pit(y)
inside = dist.contains(y, 0.9)
print("              mean of the transform   inside 90 %")
for name, rows in {"to 1976": past, "from 1977 on": ~past}.items():
    print(f"{name:14s}{transform[rows].mean():21.3f}{inside[rows].mean():14.3f}")
chance = 2 / np.sqrt(12 * 60)  # two standard errors of the mean of 60 uniform numbers

assert abs(transform[past].mean() - 0.5) < 0.04
assert transform[~past].mean() > transform[past].mean() + 0.03
assert np.mean(transform[~past] > 0.5) > 0.52
assert inside[~past].mean() < inside[past].mean()

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.loglog(sizes, latency, "o-", color="tab:blue")
left.set(xlabel="rows in a call", ylabel="milliseconds a row", title="Batches are cheap")
left.grid(alpha=0.3)
right.axvspan(1950, 1977, color="0.92", label="training")
right.axhline(0.5 + chance, color="tab:blue", ls="--", lw=1, label="95 % if calibrated")
right.axhline(0.5 - chance, color="tab:blue", ls="--", lw=1)
right.plot(when, pd.Series(transform).rolling(60).mean(), color="tab:orange", label="five years")
right.set(
    xlabel="year",
    ylabel="mean of the transform",
    ylim=(0.3, 0.75),
    title="Since then warmer than predicted",
)
right.legend(loc="upper left", ncols=3, fontsize="small")
plt.show()

# %%
# The left panel shows that ten rows in one call cost far less than ten calls of one row, so a
# service should collect rows. The right panel shows the mean of the transform over the last sixty
# months. Over the training years it is about 0.5. Afterwards it is higher: more often than not, the
# sea is warmer than the predicted median. The intervals contain fewer months than before, too, but
# this is partly because new rows are harder than rows seen in training. A shift to one side cannot
# be explained in this way. The dashed lines are for independent months. Neighboring months are not
# independent, so a single excursion proves little, whereas decades above 0.5 prove more. No request
# was refused during all this time. Only a comparison of the distributions with what came true shows
# that the model has to be fitted anew.
