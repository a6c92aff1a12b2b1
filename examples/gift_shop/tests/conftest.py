"""Make the build script, which is no part of the package, importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
