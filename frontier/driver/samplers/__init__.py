"""The axis `sampler`: one module each; `build(draw)` gives the Optuna sampler that decides one trial.

One whose questions take seconds names the trials that it is asked ahead for: `AHEAD = range(...)`. One whose questions
take longer and longer says for how many trials it is meant: `UP_TO = ...`.
"""
