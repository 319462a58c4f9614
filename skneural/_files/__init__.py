"""Fitted estimators in files: save, load, checkpoints, ONNX, skops."""
