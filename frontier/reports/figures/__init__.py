"""One figure a file: TITLE, MISLEADS, data(points) -> rows, draw(rows, theme) -> Figure, alt(rows), caption(facts)."""
