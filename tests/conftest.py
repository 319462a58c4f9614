"""SciPy reads SCIPY_ARRAY_API on import; without it, array API checks are skipped."""

import os

os.environ["SCIPY_ARRAY_API"] = "1"

# a script that needs PyTorch, and computed what the tests compare with
collect_ignore = ["data/losses_and_links.py", "data/embeddings.py"]
