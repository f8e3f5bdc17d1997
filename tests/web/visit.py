"""Visit: a page in a browser, what its reader does there, and all that went wrong on it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

WAIT_MS = 30_000
TRIAL_MEASURED = 7  # of the study `two`
POINTS = "#scatter .scatterlayer path.point"
# Nothing is asked of the server any more, three times in a row: between two callbacks there is a moment of rest.
QUIET = """() => {
  const { stored, completed, ...busy } = window.store.getState().callbacks;
  const rest = Object.values(busy).every((list) => list.length === 0);
  window.rests = rest ? (window.rests ?? 0) + 1 : 0;
  return window.rests > 3;
}"""
GO = "(query) => { history.pushState({}, '', '/' + query); dispatchEvent(new PopStateEvent('popstate')); }"
TABLE = "(place) => [...place.querySelectorAll('tr')].map((row) => [...row.cells].map((cell) => cell.textContent))"
TERMS = "(place) => [...place.querySelectorAll('dt')].map((term) => [term.textContent, term.nextSibling.textContent])"


class Visit:
    """A page of its own, and all that went wrong on it."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url = page, url
        self.problems: list[str] = []
        self._loaded = False
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda said: said.type in ("error", "warning") and self.problems.append(said.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda asked: self._asked(asked.url))

    def _asked(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.problems.append(f"asked for {url}")

    def open(self, query: str = "", *, anew: bool = False, wait: str = POINTS) -> Visit:
        """Goes to an address of the page, which is loaded the first time, and `anew`."""
        if self._loaded and not anew:
            self.page.evaluate(GO, query)
        else:
            self.page.goto(self.url + query)
            self._loaded = True
        self.page.wait_for_selector(wait, state="attached")
        self.page.evaluate("scrollTo(0, 0)")
        return self.settle()

    def settle(self) -> Visit:
        """Waits until the page shows all that it was asked for."""
        self.page.evaluate("window.rests = 0")
        self.page.wait_for_function(QUIET, polling=30)
        return self

    def says(self, place: str, text: str) -> None:
        """Waits until an element says so."""
        self.page.locator(place, has_text=text).first.wait_for()

    def query(self, name: str) -> list[str]:
        return parse_qs(urlsplit(self.page.url).query).get(name, [])

    def wait_query(self, name: str) -> str:
        self.page.wait_for_url(lambda url: name in parse_qs(urlsplit(url).query))
        return self.query(name)[-1]

    def keys(self) -> list[str]:
        """The points in the table."""
        return [text.strip() for text in self.page.locator("#table tbody th").all_inner_texts()]

    def figure(self, path: str, place: str = "#scatter") -> Any:
        """A part of a figure as plotly holds it."""
        return self.page.evaluate(f"document.querySelector('{place} .js-plotly-plot').{path}")

    def rows(self, place: str) -> list[dict[str, str]]:
        """The first data table within an element, a row as its cells by their titles."""
        table = self.page.locator(f"{place} [data-table]").first
        table.evaluate("(place) => { const folded = place.closest('details'); if (folded) folded.open = true; }")
        table.locator("tr").first.wait_for(state="attached")
        titles, *rows = table.evaluate(TABLE)
        return [dict(zip(titles, row, strict=True)) for row in rows]

    def terms(self, place: str) -> dict[str, str]:
        """The description lists within an element: what each term says."""
        return dict(self.page.locator(place).evaluate(TERMS))

    def drag(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Draws a box in the scatter, from and to shares of its width and height."""
        plot, mouse = self.page.locator("#scatter .nsewdrag").first.bounding_box(), self.page.mouse
        mouse.move(plot["x"] + x0 * plot["width"], plot["y"] + y0 * plot["height"])
        mouse.down()
        for share in (0.4, 1.0):
            x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
            mouse.move(plot["x"] + x * plot["width"], plot["y"] + y * plot["height"], steps=3)
        mouse.up()
