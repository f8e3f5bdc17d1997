"""The axis `sampler`: one module each; `build(seed, trial)` gives the Optuna sampler that decides trial `trial`."""
