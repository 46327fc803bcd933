"""Do the examples of the documentation run, and say what is true?"""

import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from benchmarks.comparison import differences, ratios, read, replace, table, wide

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_blocks_run(page, monkeypatch, tmp_path):
    """The blocks of one page run one after another, in one module, as a script's would."""
    monkeypatch.chdir(tmp_path)  # where a page may save a figure
    blocks = BLOCK.findall(page.read_text())
    if not blocks:
        pytest.skip("no code on this page")
    script = ModuleType(page.stem)
    monkeypatch.setitem(sys.modules, page.stem, script)
    for block in blocks:
        exec(compile(block, page.name, "exec"), vars(script))


@pytest.mark.parametrize("name", ["", "distributions", "metrics", "displays", "predictive"])
def test_every_public_name_is_in_the_reference(name):
    module = importlib.import_module(f"sklnll.{name}" if name else "sklnll")
    public = [n for n in module.__all__ if not isinstance(getattr(module, n), ModuleType)]
    if name == "predictive":  # what is returned; the rest is for the other modules
        public = [n for n in public if "Predictive" in n]
    page = (ROOT / "docs" / "api" / f"{name or 'estimators'}.rst").read_text()
    assert [n for n in public if not re.search(rf"^(\.\. data::)? +{n}$", page, re.MULTILINE)] == []


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("uci", table),
        ("ablations", lambda rows: differences(rows, "sklnll")),
        ("classification", table),
        ("known_truth", wide),
        ("tables", table),
        ("speed", lambda rows: ratios("scikit-learn", rows)),
    ],
)
def test_tables_of_results_are_those_of_the_stored_data(name, printed):
    rows = read(ROOT / "docs" / f"{name}.csv")
    assert printed(rows) in (ROOT / "docs" / "results.md").read_text()


def test_a_stored_result_takes_the_place_of_its_own_kind_and_a_score_may_lack(tmp_path):
    path = tmp_path / "results.csv"
    fit = {"set": "a", "split": 10, "model": "m", "NLL": 1.0, "CRPS": "", "library": "lib 1.2"}
    for row in (fit, {**fit, "split": 9, "NLL": 3.0}, {**fit, "NLL": 2.0}):
        replace(path, row)
    rows = read(path)
    assert [(row["split"], row["NLL"]) for row in rows] == [("9", "3.0"), ("10", "2.0")]
    assert table(rows).splitlines()[-1] == "| a | m | 2.500 | 0.500 |  | 2 |"
    with pytest.raises(ValueError, match="has columns"):
        replace(path, {**fit, "RMSE": 1.0})
    assert read(path) == rows


@pytest.mark.slow
def test_quickstart_saves_its_figure_where_told_and_nothing_else(tmp_path):
    """Warnings are errors; what the page says of its numbers is asserted in the script."""
    figure = tmp_path / "figure.png"
    script = ROOT / "examples" / "plot_01_quickstart.py"
    run = subprocess.run(
        [sys.executable, "-W", "error", str(script), "--save", str(figure)],
        capture_output=True,
        text=True,
        env={"MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["figure.png"]
    assert figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["MLPRegressor", "MLPClassifier"])
def test_every_parameter_and_attribute_of_scikit_learns_perceptrons_is_compared(name):
    from sklearn import neural_network

    estimator = getattr(neural_network, name)
    fitted = estimator(max_iter=1, early_stopping=True).fit([[0.0], [1.0]] * 20, [0, 1] * 20)
    attributes = [name for name in vars(fitted) if name.endswith("_") and name[0] != "_"]
    page = (ROOT / "docs" / "from_mlp.md").read_text()
    missing = [n for n in [*fitted.get_params(), *attributes] if f"`{n}`" not in page]
    assert missing == []
