"""Pictures in the manner of scikit-learn's displays; matplotlib is imported to plot."""
