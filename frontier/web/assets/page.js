// What needs no server: the reader's colour scheme, the box of a brush, and how old the figures are.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const scheme = () => (dark.matches ? "dark" : "light");

window.dash_clientside = Object.assign({}, window.dash_clientside, {
  frontier: {
    scheme,
    box: (selected) => {
      const ends = selected && selected.range;
      if (ends && ends.x && ends.y) return [...ends.x, ...ends.y];
      return selected === null || selected === undefined ? null : window.dash_clientside.no_update;
    },
    live: (_, looked) => {
      if (!looked) return "reading the records";
      if (looked.ended) return `${looked.ended}; ${looked.points} points`;
      const age = Math.max(0, Math.round(Date.now() / 1000 - looked.at));
      return `updated ${age} s ago; ${looked.points} points`;
    },
  },
});
dark.addEventListener("change", () => window.dash_clientside.set_props("scheme", { data: scheme() }));
