"""The estimators: parameters and data become a network and a job."""
