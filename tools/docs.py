"""Builds the documentation as a site: the pages of docs/, and one an operation, from its record (tools/dev docs).

    python tools/docs.py build/docs/ops.md build/docs/site

By MkDocs, strictly: a link to a page that is not there fails. The pages are gathered beside the site; what a link to another file of the
repository says stays as text.
"""

import argparse
import json
import pathlib
import posixpath
import re
import shutil
import subprocess
import sys

DOCS = pathlib.Path(__file__).resolve().parents[1] / "docs"
GUIDES = [
    (
        "Start",
        ["index.md", "coming_from_pytorch.md", "packages.md", "differences.md", "absent_names.md", "coverage.md"],
    ),
    ("Tutorials", ["tutorials/training.md", "tutorials/compiling.md", "tutorials/profiling.md"]),
    (
        "Guides",
        [
            "functions.md",
            "complex.md",
            "sparse.md",
            "fft.md",
            "any_batch.md",
            "accuracy.md",
            "performance.md",
            "cuda.md",
            "gpu.md",
        ],
    ),
    ("Data and engines", ["numpy.md", "columns.md", "scikit_learn.md", "array_api.md", "udf.md"]),
    ("Models of others", ["torch.md", "onnx.md", "stablehlo.md"]),
]


def operations(text):
    """Of the reference manual that tools/generate_python_ops.py wrote: its introduction; then family → name → page."""
    introduction, *sections = re.split(r"^## ", text, flags=re.M)
    rows = re.findall(r"^\| \[(\w+)\]\(#\w+\) \| (\w+) \| (\w+) \|", introduction, re.M)
    facts = {name: (family, derivative) for name, family, derivative in rows}
    families = {}
    for section in sections:
        name, _, body = section.partition("\n")
        family, derivative = facts[name]
        families.setdefault(family, {})[name] = f"# {name}\n{body}\nFamily: {family}. Derivative: {derivative}.\n"
    return re.sub(r"\(#(\w+)\)", r"(\1.md)", introduction), families


def within(text, page, pages):
    """The page's text; links to other files of the repository become what they say."""

    def kept(match):
        says, target = match.groups()
        file = posixpath.normpath(posixpath.join(posixpath.dirname(page), target.partition("#")[0]))
        return match[0] if re.match("https?:|#", target) or file in pages else says

    return re.sub(r"\[([^\]]+)\]\(([^)\s]+)\)", kept, text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("operations", type=pathlib.Path)
    parser.add_argument("site", type=pathlib.Path)
    options = parser.parse_args()
    introduction, families = operations(options.operations.read_text())
    pages = {page: (DOCS / page).read_text() for _, names in GUIDES for page in names}
    missing = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")} - set(pages)
    assert not missing, f"not in the site: {missing}; name them in {__file__}"
    pages["ops/index.md"] = introduction
    for names in families.values():
        pages.update({f"ops/{name}.md": text for name, text in names.items()})
    pictures = [path.relative_to(DOCS) for path in DOCS.rglob("*.svg")]

    source = options.site.with_name("source")
    shutil.rmtree(source, ignore_errors=True)
    for page, text in pages.items():
        (source / page).parent.mkdir(parents=True, exist_ok=True)
        (source / page).write_text(within(text, page, {*pages, *map(str, pictures)}))
    for picture in pictures:
        shutil.copy(DOCS / picture, source / picture)

    nav = [{title: names} for title, names in GUIDES]
    nav.append(
        {
            "Operations": [
                "ops/index.md",
                *({f: [f"ops/{name}.md" for name in sorted(ops)]} for f, ops in families.items()),
            ]
        }
    )
    settings = {
        "site_name": "weft",
        "docs_dir": str(source.resolve()),
        "site_dir": str(options.site.resolve()),
        "theme": {"name": "mkdocs", "color_mode": "auto", "navigation_depth": 2},
        "use_directory_urls": False,  # so that the site may be read from a disk
        "plugins": ["search"],
        "nav": nav,
    }
    file = options.site.with_name("mkdocs.yml")
    file.write_text(json.dumps(settings))  # JSON is YAML
    subprocess.run([sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--config-file", file], check=True)
    print(f"{len(pages)} pages: {options.site / 'index.html'}")


if __name__ == "__main__":
    main()
