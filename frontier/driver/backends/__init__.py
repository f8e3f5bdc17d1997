"""The axis `backend`, one module each: `check(work)` raises before a study is made, if its trials could never run;
`run(search, work)` asks, runs and tells until nothing is handed out. A library that is missing is an ImportError."""
