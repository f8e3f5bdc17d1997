"""Makes `one_by_one`, the straightforward ways that several test files compare with, importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
