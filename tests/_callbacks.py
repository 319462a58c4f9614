"""A callback that does nothing, as a base class for callbacks in tests."""


class Callback:
    """The four methods that scikit-learn requires of a callback."""

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        pass
