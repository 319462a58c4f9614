# The interface between Python and the C++ engine, included by one module per SIMD level. Every size
# and every array is checked here, before the GIL is released; the engine does not check them again.

from libc.stdint cimport int32_t, int64_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.memory cimport unique_ptr

cimport numpy as cnp
import numpy as np

cnp.import_array()

cdef extern from "engine.h" namespace "skneural" nogil:
    int register_bytes()
    const int64_t n_step_integers
    const int64_t n_step_reals
    const int64_t n_head_integers
    const int64_t n_head_reals

    cdef cppclass CProgram "skneural::Program":
        int64_t n_params, n_weights, n_state
        int64_t n_inputs()
        int64_t n_outputs()
        int64_t largest()
        bint takes_sparse()
        double flops()

    CProgram make_program(const int64_t*, const double*, int64_t, const int64_t*, const double*,
                          int64_t, const int64_t*, int64_t, int64_t, int64_t, int64_t) except +

    cdef struct Draws:
        uint64_t seed, step

    cdef struct Run:
        const int64_t* order
        int64_t n_rows, batch_size, optimizer
        double rate, first, second, epsilon, decay
        cbool nesterov
        double alpha, l1_ratio, max_norm
        cbool measure_norm, updates
        Draws draws
        int64_t n_updates
        double loss_sum, weight_sum, norm

    cdef struct RawSamples:
        const void* X
        const void* values
        const int32_t* columns
        const int32_t* starts
        cbool is_sparse
        const void* y
        const void* weights
        int64_t n_samples

    cdef cppclass AnyTraining:
        int n_threads()
        void run(Run&, const RawSamples&, void*, void*, void*, void*, void*) except +

    AnyTraining* make_training(const CProgram&, cbool, int64_t, int) except +
    cbool c_predict "skneural::predict"(const CProgram&, cbool, int64_t, int, const RawSamples&,
                                        const void*, const void*, void*) except +

cdef extern from "threads.h" namespace "skneural":
    int64_t process_id() noexcept nogil

cdef extern from "cpu.h" namespace "skneural":
    bint cpu_has_avx2() noexcept nogil
    bint cpu_has_avx512() noexcept nogil


def simd_level():
    """Return the name of the SIMD level that this module was compiled for."""
    return __name__.rpartition(".")[2]


def vector_width():
    """Return the number of bytes in a vector register at this SIMD level."""
    return register_bytes()


def usable_levels():
    """Return the names of the SIMD levels that this CPU can run, the slowest first."""
    levels = ["baseline"]
    if cpu_has_avx2():
        levels.append("avx2")
        if cpu_has_avx512():
            levels.append("avx512")
    return levels


cdef void* address(object array, object dtype, tuple shape, str name, bint writes=False) except? NULL:
    """Return the address of the data of an array, after checking what the engine relies on."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} must be an ndarray, got {type(array).__name__}.")
    cdef cnp.ndarray a = array
    if a.dtype != dtype:
        raise TypeError(f"{name} must have dtype {dtype}, got {a.dtype}.")
    if (<object>a).shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {(<object>a).shape}.")
    if not cnp.PyArray_ISCARRAY_RO(a) or (writes and not cnp.PyArray_ISWRITEABLE(a)):
        raise ValueError(f"{name} must be aligned and contiguous, and writable if it is changed.")
    return cnp.PyArray_DATA(a)


# Maximum number of values in one array of a workspace, so that no product of sizes overflows.
cdef int64_t most_numbers = 2**40


cdef check_sizes(str name, int64_t n_samples, int64_t most, int64_t n_threads, int64_t largest):
    """Raise ValueError if the numbers of samples and threads are too large for a workspace."""
    if not 0 < n_samples <= most or not 0 < n_threads < 10_000:
        raise ValueError(f"{name} and n_threads must be positive, got {n_samples} and {n_threads}.")
    if n_samples > most_numbers // largest:
        raise ValueError(f"{name}={n_samples} is too large for samples of {largest} numbers.")


cdef class Program:
    """A network in the form the engine uses: steps, losses of the outputs, sizes and the dtype."""

    cdef CProgram program
    cdef readonly object dtype
    cdef cbool is_double

    @property
    def n_outputs(self):
        """Number of outputs of the network."""
        return self.program.n_outputs()

    @property
    def flops(self):
        """Floating-point operations of the products in the forward pass of one sample."""
        return self.program.flops()

    @property
    def takes_sparse(self):
        """Whether the first step can read sparse rows."""
        return self.program.takes_sparse()

    @property
    def largest(self):
        """Largest number of values of one sample between two steps."""
        return self.program.largest()

    def __cinit__(self, steps, step_reals, heads, head_reals, sizes, dtype, tables=None):
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise TypeError(f"dtype must be float32 or float64, got {dtype}.")
        self.is_double = self.dtype == np.float64
        if tables is None:
            tables = np.empty((0, 3), np.int64)
        cdef int64_t n_steps = len(steps), n_heads = len(heads), n_tables = len(tables)
        if not 0 < n_steps < 100_000 or not 0 < n_heads < 100_000_000:
            raise ValueError(f"A program has steps and heads, got {n_steps} and {n_heads}.")
        cdef int64_t n_params, n_weights, n_state
        n_params, n_weights, n_state = sizes
        self.program = make_program(
            <int64_t*>address(steps, np.int64, (n_steps, n_step_integers), "steps"),
            <double*>address(step_reals, np.float64, (n_steps, n_step_reals), "step_reals"),
            n_steps,
            <int64_t*>address(heads, np.int64, (n_heads, n_head_integers), "heads"),
            <double*>address(head_reals, np.float64, (n_heads, n_head_reals), "head_reals"),
            n_heads, <int64_t*>address(tables, np.int64, (n_tables, 3), "tables"), n_tables,
            n_params, n_weights, n_state)

    cdef void* parameters(self, object array, str name, bint writes=False) except? NULL:
        return address(array, self.dtype, (self.program.n_params,), name, writes)

    cdef void* statistics(self, object array, bint writes=False) except? NULL:
        return address(array, self.dtype, (self.program.n_state,), "state", writes)


cdef class Samples:
    """Rows of X, with targets and sample weights if they are used for training."""

    cdef RawSamples raw
    cdef tuple owners
    cdef Program program

    def __cinit__(self, Program program not None, X, y=None, sample_weight=None):
        self.program = program
        self.raw.is_sparse = not isinstance(X, np.ndarray)
        if self.raw.is_sparse and getattr(X, "format", None) != "csr":
            raise TypeError(f"X must be an ndarray or a CSR matrix, got {type(X).__name__}.")
        if X.ndim != 2:
            raise ValueError(f"X must have 2 dimensions, got {X.ndim}.")
        cdef int64_t n = X.shape[0]
        cdef int64_t n_inputs = program.program.n_inputs()
        self.raw.n_samples = n
        self.raw.X = self.raw.values = self.raw.y = self.raw.weights = NULL
        self.raw.columns = self.raw.starts = NULL
        if self.raw.is_sparse:
            X = self.check_sparse(X, n, n_inputs)
        else:
            self.raw.X = address(X, program.dtype, (n, n_inputs), "X")
        if y is not None:
            shape = (n, program.program.n_outputs())
            self.raw.y = address(y, program.dtype, shape, "y")
        if sample_weight is not None:
            self.raw.weights = address(sample_weight, program.dtype, (n,), "sample_weight")
        self.owners = (X, y, sample_weight)

    def check_sparse(self, X, int64_t n, int64_t n_inputs):
        """Check a CSR matrix, and return the arrays that must be kept alive."""
        if not self.program.program.takes_sparse():
            raise ValueError("The first step of this network does not take sparse X.")
        if X.shape[1] != n_inputs:
            raise ValueError(f"X must have {n_inputs} columns, got {X.shape[1]}.")
        if max(X.nnz, n) >= 2**31 or len(X.indptr) != n + 1:
            raise ValueError("X has too many numbers for 32-bit indices, or a wrong indptr.")
        if X.indptr.dtype.kind not in "iu" or X.indices.dtype.kind not in "iu":
            raise TypeError("indptr and indices of X must be integers.")
        # Comparisons instead of differences, which could overflow for large integers.
        rising = X.indptr[0] == 0 and (X.indptr[1:] >= X.indptr[:n]).all()
        if not rising or X.indptr[n] > min(len(X.data), len(X.indices)):
            raise ValueError("indptr of X must rise from 0 to the number of values.")
        used = X.indices[: X.indptr[n]]
        if used.size and (used.min() < 0 or used.max() >= n_inputs):
            raise ValueError("indices of X must be columns of X.")
        values = np.ascontiguousarray(X.data)
        columns = np.ascontiguousarray(X.indices, dtype=np.int32)
        starts = np.ascontiguousarray(X.indptr, dtype=np.int32)
        self.raw.values = address(values, self.program.dtype, values.shape, "X.data")
        self.raw.columns = <int32_t*>address(columns, np.int32, columns.shape, "X.indices")
        self.raw.starts = <int32_t*>address(starts, np.int32, (n + 1,), "X.indptr")
        return values, columns, starts


cdef class Training:
    """Workspace and threads for training a network on mini-batches of up to `batch_size` rows."""

    cdef unique_ptr[AnyTraining] training
    cdef Program program
    cdef int64_t batch_size
    cdef int asked_for
    cdef int64_t process

    def __cinit__(self, Program program not None, int64_t batch_size, int n_threads):
        check_sizes("batch_size", batch_size, 2**31 - 1, n_threads, program.program.largest())
        self.program = program
        self.batch_size = batch_size
        self.asked_for = n_threads
        self.make()

    cdef make(self):
        """Create the workspace and the threads in this process."""
        self.training.reset(make_training(self.program.program, self.program.is_double,
                                          self.batch_size, self.asked_for))
        self.process = process_id()

    def __dealloc__(self):
        self.forget_other_process()

    cdef bint forget_other_process(self):
        """Release the workspace if this is a forked process, and return whether it is.

        The threads do not exist in the forked process, so they cannot be joined.
        """
        if self.process in (0, process_id()):
            return False
        self.training.release()
        return True

    @property
    def n_threads(self):
        """Number of threads; fewer than requested if the system could not start as many."""
        return self.training.get().n_threads()

    def run(self, Samples samples not None, order, int64_t n_rows, theta, state, m, v, gradient, *,
            int64_t batch_size, int64_t optimizer, double rate, double first, double second,
            double epsilon, double decay, bint nesterov, double alpha, double l1_ratio,
            double max_norm, bint measure_norm, bint updates, uint64_t seed, uint64_t step,
            int64_t n_updates):
        """Train on the rows of `order`, batch by batch, and return the sums and the norm.

        Returns
        -------
        loss_sum, weight_sum, norm : float
        n_updates : int
        """
        cdef Run run
        cdef Program program = self.program
        if samples.program is not program or samples.raw.y == NULL:
            raise ValueError("samples must be made for the same program, with targets.")
        if not 0 < batch_size <= self.batch_size:
            raise ValueError(f"batch_size must be from 1 to {self.batch_size}, got {batch_size}.")
        if not 0 <= optimizer < 4:
            raise ValueError(f"optimizer must be from 0 to 3, got {optimizer}.")
        run.order = NULL
        if order is not None:
            run.order = <int64_t*>address(order, np.int64, (n_rows,), "order")
            if n_rows and (order.min() < 0 or order.max() >= samples.raw.n_samples):
                raise ValueError("order must be numbers of rows.")
        elif not 0 <= n_rows <= samples.raw.n_samples:
            raise ValueError(f"n_rows must be from 0 to {samples.raw.n_samples}, got {n_rows}.")
        run.n_rows, run.batch_size, run.optimizer = n_rows, batch_size, optimizer
        run.rate, run.first, run.second = rate, first, second
        run.epsilon, run.decay, run.nesterov = epsilon, decay, nesterov
        run.alpha, run.l1_ratio, run.max_norm = alpha, l1_ratio, max_norm
        run.measure_norm, run.updates = measure_norm, updates
        run.draws.seed, run.draws.step, run.n_updates = seed, step, n_updates
        cdef void* at_theta = program.parameters(theta, "theta", True)
        cdef void* at_state = program.statistics(state, True)
        cdef void* at_gradient = program.parameters(gradient, "gradient", True)
        cdef void* at_m = NULL
        cdef void* at_v = NULL
        if m is not None:
            at_m = program.parameters(m, "m", True)
        if v is not None:
            at_v = program.parameters(v, "v", True)
        if updates and ((optimizer and m is None) or (optimizer == 1 and v is None)):
            raise ValueError("This optimizer needs what it remembers.")
        if self.forget_other_process():
            self.make()
        with nogil:
            self.training.get().run(run, samples.raw, at_theta, at_state, at_m, at_v, at_gradient)
        return run.loss_sum, run.weight_sum, run.norm, run.n_updates


def predict(Samples samples not None, theta, state, raw, int64_t block, int n_threads):
    """Write the raw predictions of some samples to `raw`, and return whether dense X is finite."""
    cdef cbool finite
    cdef Program program = samples.program
    check_sizes("block", block, 2**31 - 1, n_threads, program.program.largest())
    cdef void* at_theta = program.parameters(theta, "theta")
    cdef void* at_state = program.statistics(state)
    shape = (samples.raw.n_samples, program.program.n_outputs())
    cdef void* at_raw = address(raw, program.dtype, shape, "raw", True)
    with nogil:
        finite = c_predict(program.program, program.is_double, block, n_threads, samples.raw,
                           at_theta, at_state, at_raw)
    return finite
