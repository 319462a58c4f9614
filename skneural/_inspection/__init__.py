"""Measurements of fitted networks and of searches, and the problems found by them."""
