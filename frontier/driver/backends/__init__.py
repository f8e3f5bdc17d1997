"""The axis `backend`: one module each; `run(search, work)` asks, runs and tells until nothing is handed out."""
