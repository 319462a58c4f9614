"""The types of arrays in annotations."""

import numpy as np
import numpy.typing as npt
from scipy import sparse

Array = npt.NDArray[np.floating]  # float32 or float64, as the dtype of the network
Arrays = dict[str, Array]
Sparse = sparse.csr_array | sparse.csr_matrix
Rows = Array | Sparse
DType = np.dtype[np.floating] | type[np.floating]
Order = npt.NDArray[np.integer]  # numbers of rows
Words = npt.NDArray[np.uint32]
Shape = tuple[int, ...]
