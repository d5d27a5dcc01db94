from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# LibreOffice takes minutes to install, so that only the nightly run has it.
collect_ignore = [] if os.environ.get("RET_TEST_OFFICE") else ["test_export_office.py"]
