"""weft.explain as text and as a page."""

import html.parser

import weft
from weft import nn


class Page(html.parser.HTMLParser):
    """The text of a page by the tag that it is in; fails where tags are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.tags = [], {}, []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)


def test_the_page_shows_each_kernel_and_operation(tmp_path):
    model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 2))
    scale = {"<b>": 2.0}

    def f(x):
        return model(x).softmax(1) * scale["<b>"]

    compiled = weft.compile(f)
    compiled(weft.ones(3, 8))
    explanation = weft.explain(compiled, weft.ones(4, 8))
    explanation.save(tmp_path / "page.html")
    page = Page((tmp_path / "page.html").read_text())
    assert page.texts["span"] == ["replay"]
    assert page.tags.count("rect") == len(explanation.kernels) > 1
    names = page.texts["code"]
    assert all(kernel.name in names for kernel in explanation.kernels)
    operations, guards, retraces = page.texts["pre"]
    assert operations.splitlines() == [str(op) for op in explanation.graph] and "linear" in operations
    assert "test_explain.py:" in operations and "scale['<b>']" in guards
    assert "shape was [3, 8], is [4, 8]" in retraces
    assert any(name.startswith("test_explain.py:") for name in names)


def test_the_page_says_why_a_call_is_not_replayed():
    explanation = weft.explain(weft.compile(lambda x: x * 2 if x.sum() > 0 else x), weft.ones(3))
    page = Page(explanation._repr_html_())
    assert page.texts["span"] == ["lazy"] and explanation.reason in page.texts["p"]


def test_a_call_without_kernels():
    page = Page(weft.explain(weft.compile(lambda x: x), weft.ones(3))._repr_html_())
    assert "No kernel ran" in page.texts["h2"]
