"""One figure a file: ORDER, TITLE, MISLEADS, data(points), draw(rows, theme), alt(rows), caption(facts).

ORDER is a whole number of the figure's own: the report shows figures by rising ORDER.
"""
