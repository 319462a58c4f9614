"""Displays like those of scikit-learn, which import matplotlib only when they plot."""
