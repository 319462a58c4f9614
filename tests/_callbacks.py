"""A callback that does nothing, for tests that want one to do one thing."""


class Callback:
    """scikit-learn's four methods."""

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        pass
