"""Writing fitted estimators to files and reading them: save, load, checkpoints, ONNX, skops."""
