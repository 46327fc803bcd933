"""How many examples does hypothesis try, and whose error is it that comes of one?

The usual run tries few, the same ones each time. ``SKLNLL_HYPOTHESIS=long`` tries about 100 times
as many, and other ones each time; ``SKLNLL_HYPOTHESIS_SEED``, which the first lines of such a run
name, tries the same again.
"""

import atexit
import os
import traceback
import warnings
from collections import Counter
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.configuration import set_hypothesis_home_dir
from sklearn.exceptions import ConvergenceWarning, NotFittedError

PROFILE = os.environ.get("SKLNLL_HYPOTHESIS", "default")
IS_LONG = PROFILE == "long"
if IS_LONG:  # by the environment, so that all processes of a run have the same
    os.environ.setdefault("SKLNLL_HYPOTHESIS_SEED", str(int.from_bytes(os.urandom(4), "big")))
SEED = int(os.environ["SKLNLL_HYPOTHESIS_SEED"]) if IS_LONG else None

TRIED: Counter = Counter()
"""What has been tried in the present test, by what it is called at the end of a run."""

_FOLDER = TemporaryDirectory()
"""What hypothesis notes goes with the process."""
atexit.register(_FOLDER.cleanup)

_SHARED = {
    "deadline": None,
    "database": None,  # no files are left behind
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}


def register_profiles():
    """Tell hypothesis how it tries: what a run must not do, whatever the number."""
    set_hypothesis_home_dir(_FOLDER.name)
    settings.register_profile("default", derandomize=True, **_SHARED)
    settings.register_profile("long", derandomize=False, print_blob=True, **_SHARED)
    settings.load_profile(PROFILE)


def tries(few, many):
    """Let a test try so many examples: `few` as a rule, `many` in a long run."""
    if not IS_LONG:
        return settings(max_examples=few, phases=[Phase.explicit, Phase.generate])

    def decorate(test):
        # Without the search for a smaller example, which takes minutes for a slow one.
        phases = [Phase.explicit, Phase.generate]
        return hypothesis.seed(SEED)(settings(max_examples=many, phases=phases)(test))

    return decorate


@contextmanager
def errors_are_ours():
    """Let errors of ours pass, and fail for what another library raises or warns of.

    Whose an error is says the module where it was raised.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        try:
            yield
        except (ValueError, TypeError, NotFittedError) as error:
            if not _is_ours(error):
                raise AssertionError(f"an error of another library: {error!r}") from error
            raise


def _is_ours(error):
    innermost = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][-1]
    return innermost.f_globals["__name__"].partition(".")[0] in ("sklnll", "sklearn")
