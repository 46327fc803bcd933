"""Does every link of a built site lead somewhere, and does nothing come from elsewhere?

``python .ci/check_site.py docs/_site``
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The anchors of a page, where its links lead, and what it loads."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loads = {""}, set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and given.get("href"):
            self.links.add(given["href"])
        elif tag in ("script", "img", "source", "iframe") and given.get("src"):
            self.loads.add(given["src"])
        elif tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload"):
            self.loads.add(given["href"])
        self.loads |= {part.split()[0] for part in (given.get("srcset") or "").split(",") if part}


def problems(site):
    """Yield a line for each dead link and each thing that is fetched from elsewhere."""
    of_theme = site / "_static"
    paths = [path for path in site.rglob("*.html") if of_theme not in path.parents]
    pages = {path.resolve(): Page(path) for path in paths}
    for path, page in pages.items():
        for address in sorted(page.links | page.loads):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                if address in page.loads and parts.scheme != "data":
                    yield f"{path.relative_to(site.resolve())} loads {address}"
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = pages[target].anchors if target in pages else {parts.fragment}
            if not target.exists() or unquote(parts.fragment) not in known:
                yield f"{path.relative_to(site.resolve())} links to {address}"


def main():
    """Print the problems of the site that the command line names."""
    site = Path(sys.argv[1])
    if not (site / "index.html").is_file():
        sys.exit(f"no site in {site}; build it first: python -m sphinx -W docs {site}")
    found = list(problems(site))
    print("\n".join(found) or "every link leads somewhere, and nothing comes from elsewhere")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
