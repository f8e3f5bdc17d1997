// What needs no server: the reader's colour scheme, the box of a brush, how old the figures are, and which linked figures
// are to be drawn anew.

// Dash's polyfill, for browsers of 2015, puts slow ones in place of the browser's own parseFloat and trim, which plotly
// calls for every mark that it draws. A window of its own still has the browser's.
const fresh = document.head.appendChild(document.createElement("iframe"));
String.prototype.trim = fresh.contentWindow.String.prototype.trim;
for (const name of ["parseFloat", "parseInt"]) window[name] = Number[name] = fresh.contentWindow[name];
fresh.remove();

const dark = window.matchMedia("(prefers-color-scheme: dark)");
let boxes = 0; // drawn or taken away so far
const scheme = () => (dark.matches ? "dark" : "light");

// Whether a box is the brush that the page has already: plotly tells of every box that it is handed, less exactly than
// it was.
const sameBox = (plot, ends, brush) => {
  if (!brush) return false;
  const { xaxis, yaxis } = plot._fullLayout;
  const known = brush.split(",").map(Number);
  return ends.every((end, i) => {
    const axis = i < 2 ? xaxis : yaxis;
    return Math.abs(axis.d2p(end) - axis.d2p(known[i])) < 1; // px
  });
};

window.dash_clientside = Object.assign({}, window.dash_clientside, {
  frontier: {
    scheme,
    box: (selected, search) => {
      const { no_update } = window.dash_clientside;
      const plot = document.querySelector("#scatter .js-plotly-plot");
      const there = plot?.layout.selections ?? [];
      if (there.length > 1) window.Plotly.relayout(plot, { selections: there.slice(-1) }); // there is one brush
      const range = selected && selected.range;
      if (range && range.x && range.y) {
        const ends = [...range.x, ...range.y];
        if (sameBox(plot, ends, new URLSearchParams(search).get("brush"))) return no_update;
        return { ends, nth: ++boxes };
      }
      const told = window.dash_clientside.callback_context.triggered.length > 0; // not so when the page is opened
      return selected || !told ? no_update : { ends: null, nth: ++boxes };
    },
    wanted: (drawn, search, version, scheme, figures, ...before) => {
      const { no_update } = window.dash_clientside;
      if (!drawn) return before.map(() => no_update);
      const query = new URLSearchParams(search);
      const known = query.getAll("view").filter((name) => name === "" || figures.all.includes(name)); // `view=` is none
      const shown = known.length ? known : figures.usual;
      for (const name of ["view", "page", "paused"]) query.delete(name);
      const key = `${version} ${scheme} ${query}`;
      return figures.all.map((name, i) => {
        const now = shown.includes(name) ? key : "";
        return now === (before[i] ?? "") ? no_update : now;
      });
    },
    rest: (search, looked) => {
      const paused = new URLSearchParams(search).get("paused") === "1";
      return [paused, looked.again_ms, paused ? "Go on" : "Pause", looked.ended && !paused];
    },
    live: (_, looked) => {
      if (!looked) return "reading the records";
      const said = looked.said ? [looked.said] : [];
      const age = Math.max(0, Math.round(Date.now() / 1000 - looked.at));
      return [...(looked.ended ? [] : [`updated ${age} s ago`]), `${looked.points} points`, ...said].join("; ");
    },
  },
});
dark.addEventListener("change", () => window.dash_clientside.set_props("scheme", { data: scheme() }));

// A data table comes as the text of one attribute; where its rows are points, their first cells are buttons.
const put = (kind, held) => {
  const cell = document.createElement(kind);
  cell.append(held);
  return cell;
};
const opener = (text, key) => {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
  Object.assign(button.dataset, { press: "pick", key });
  return Object.assign(put("th", button), { scope: "row" });
};
const fill = (place) => {
  const closed = place.closest("details:not([open])"); // nobody waits for a table that is not to be seen
  if (closed) return closed.addEventListener("toggle", () => fill(place), { once: true });
  const { titles, rows, opens, chosen } = JSON.parse(place.dataset.table);
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  head.append(...titles.map((title) => Object.assign(put("th", title), { scope: "col" })));
  const body = table.createTBody();
  for (const [first, ...rest] of rows) {
    const row = body.insertRow();
    const key = first.includes(":") ? first : `${opens}${first}`; // of a guest from another study the whole
    row.append(opens === null ? put("td", first) : opener(first, key), ...rest.map((text) => put("td", text)));
    if (opens !== null && key === chosen) row.className = "chosen";
  }
  place.replaceChildren(table);
};

// What comes anew is as its reader left it: its tables open or closed, and the focus where it was.
const home = (node) => node.parentElement?.closest("[id]");
const nameOf = (details) => `${home(details)?.id} ${[...home(details).querySelectorAll("details")].indexOf(details)}`;
const open = new Map(); // details by name
let held = null; // the button that has the focus
document.addEventListener("toggle", ({ target }) => target.isConnected && open.set(nameOf(target), target.open), true);
document.addEventListener("focusin", ({ target }) => {
  held = target.dataset.press ? { ...target.dataset, home: home(target)?.id } : null;
});
const drop = ({ target }) => {
  if (!target.closest?.("[data-press]")) held = null;
};
document.addEventListener("pointerdown", drop, true);
const reopen = (details) => {
  const name = nameOf(details);
  if (open.has(name)) details.open = open.get(name);
};
// A slider is called as its group is, and described by what the group says: its own number may be a place on a scale.
const christen = (slider) => {
  const group = slider.parentElement.closest("[aria-labelledby]");
  slider.setAttribute("aria-labelledby", group.getAttribute("aria-labelledby"));
  slider.setAttribute("aria-describedby", group.querySelector("output").id);
};
const focusAgain = () => {
  if (!held || document.activeElement !== document.body) return;
  const key = held.key ? `[data-key="${CSS.escape(held.key)}"]` : "";
  const button = document.getElementById(held.home)?.querySelector(`[data-press="${held.press}"]${key}`);
  button?.focus({ preventScroll: true });
};
new MutationObserver((changes) => {
  for (const { type, target, addedNodes } of changes) {
    if (type === "attributes") fill(target);
    for (const node of addedNodes) {
      if (!(node instanceof HTMLElement)) continue; // a plot's marks are many
      node.querySelectorAll("details").forEach(reopen);
      if (node.matches("[data-table]")) fill(node);
      node.querySelectorAll("[data-table]").forEach(fill);
      node.querySelectorAll("[role=slider]").forEach(christen);
    }
  }
  focusAgain();
}).observe(document.documentElement, { subtree: true, childList: true, attributeFilter: ["data-table"] });

// Dash keeps what a reader does to a figure's layout by handing the figure in once more, and plotly would draw it all
// again. Nothing here asks for it: plotly's own revisions keep it, and the address the rest.
document.addEventListener(
  "mousedown",
  ({ target }) => target.closest?.(".js-plotly-plot")?.removeAllListeners?.("plotly_relayout"),
  true,
);

// Buttons that come and go: a press is told once, by a part of the page that stays, so that none is lost.
document.addEventListener("click", ({ target }) => {
  const { press, key = "" } = target.closest?.("[data-press]")?.dataset ?? {};
  if (press) window.dash_clientside.set_props("pressed", { data: [press, key, performance.now()] });
});
