"""One readable file per paper; each offers `linearize(task, knobs)` and declares its fidelity."""
