"""How is the site built? ``python -m sphinx -W docs docs/_site``, from the checkout."""

import os
import re
import warnings

# Pages of the gallery are run side by side; threads of one would only wait for those of another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sklnll

project = "sklnll"
author = "the sklnll developers"
project_copyright = "2026, the sklnll developers"
version = release = sklnll.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_site"]
suppress_warnings = ["config.cache"]  # the gallery's settings hold a function
templates_path = ["_templates"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

default_role = "literal"  # as in scikit-learn's docstrings
autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections have them
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "pydata_sphinx_theme"
html_title = "sklnll"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_sidebars = {page: [] for page in ("index", "results", "changelog", "contributing")}
html_context = {"default_mode": "auto"}  # light or dark as the reader's system
html_theme_options = {
    "logo": {"text": "sklnll"},
    "show_prev_next": True,
    "navigation_with_keys": False,
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def warnings_are_errors(gallery_conf, fname):
    """Called before each page of the gallery."""
    warnings.simplefilter("error")


sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "within_subsection_order": "FileNameSortKey",
    "reset_modules": ("matplotlib", warnings_are_errors),
    "abort_on_example_error": True,
    "image_srcset": ["2x"],
    "doc_module": ("sklnll",),
    "backreferences_dir": "api/backreferences",
    "reference_url": {"sklnll": None},
    "prefer_full_module": [r"sklnll\.(metrics|displays|distributions)"],
    "show_memory": False,
    "write_computation_times": False,  # its tables would be fetched from elsewhere
    "parallel": 2,
}


def skip_requests(app, what, name, obj, skip, options):
    """Methods for metadata routing that scikit-learn generates refer to its own pages."""
    return True if re.fullmatch(r"set_\w+_request|get_metadata_routing", name) else None


def link_to_pages(app, docname, source):
    """Links to scripts of the gallery, which work in plain Markdown, lead to its pages here."""
    page = r"(\.\./)*examples(/(plot_\w+)\.py)?\)"
    source[0] = re.sub(
        r"\]\(" + page, lambda match: f"](/auto_examples/{match[3] or 'index'}.rst)", source[0]
    )


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", link_to_pages)
    app.connect("autodoc-skip-member", skip_requests)
