"""A hook of MkDocs: the site's navigation follows the folders, so that a new page needs no second entry.

Sections come in the order in which a reader needs them; pages inside a section by file name, ``index.md`` first.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

SECTIONS = {
    "tutorial": "Tutorial",
    "howto": "How to",
    "reference": "Reference",
    "explanation": "Explanation",
    "decisions": "Decisions",
}


def navigation(docs: Path) -> list[Any]:
    """Builds the navigation of a folder of pages.

    Args:
        docs: the folder.

    Returns:
        What ``nav`` in ``mkdocs.yml`` would hold: the home page, then a mapping of title to pages for each section.
    """
    nav: list[Any] = ["index.md"]
    for folder, title in SECTIONS.items():
        pages = sorted((docs / folder).rglob("*.md"), key=lambda page: (page.name != "index.md", page))
        if pages:
            nav.append({title: [page.relative_to(docs).as_posix() for page in pages]})
    return nav


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Called by MkDocs once the configuration is read."""
    config.nav = navigation(Path(config.docs_dir))
    return config
