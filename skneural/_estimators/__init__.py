"""The estimators, which turn parameters and data into a network and a job."""
