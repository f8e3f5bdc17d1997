"""One figure a file: ORDER, TITLE, MISLEADS, data(studied), draw(rows, theme), alt(rows), caption(facts).

`studied` is a frontier.reports.studied.Studied, rows are frozen dataclasses: the figure's data table. A row that is of
one point carries its address in `trial`; one with a `problem` says why something cannot be drawn. What a table cannot
show, such as pixels, stands in fields marked HIDDEN.
ORDER is a whole number of the figure's own: a report shows figures by rising ORDER unless its spec says otherwise. A
figure with PRICED = True is of Studied.price and is drawn once for each price of a spec.
"""
