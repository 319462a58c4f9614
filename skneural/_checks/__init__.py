"""Checks of parameters and of data, before any work is done."""
