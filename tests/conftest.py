"""SciPy reads SCIPY_ARRAY_API on import; scikit-learn skips array API checks without it."""

import os

os.environ["SCIPY_ARRAY_API"] = "1"
