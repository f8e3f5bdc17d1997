"""The axis `pruner`: one module each; at a rung it says whether a trial goes on, from it and the others there."""
