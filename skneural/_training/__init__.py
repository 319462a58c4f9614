"""Training: epochs, patience, validation, L-BFGS."""
