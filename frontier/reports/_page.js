"use strict";
// Draws every figure of the page from the JSON beside it, in the reader's colours; print is always light.
(() => {
  const read = (id, reviver) => JSON.parse(document.getElementById(id).textContent, reviver);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colors = read("colors-dark");
  const config = {
    responsive: true,
    displaylogo: false,
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
    toImageButtonOptions: { format: "svg" },
  };

  const draw = (isDark) => {
    for (const place of document.querySelectorAll("[data-figure]")) {
      const swap = (_, value) => (isDark && typeof value === "string" && colors[value]) || value;
      const figure = read(place.dataset.figure, swap);
      place.replaceChildren();
      Plotly.newPlot(place, figure.data, figure.layout, config);
    }
  };

  draw(dark.matches);
  dark.addEventListener("change", () => draw(dark.matches));
  addEventListener("beforeprint", () => draw(false));
  addEventListener("afterprint", () => draw(dark.matches));
})();
