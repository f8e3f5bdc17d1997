"""The axis `sampler`: one module each; `build(draw)` gives the Optuna sampler that decides one trial."""
