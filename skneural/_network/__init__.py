"""The network: layers over one vector of parameters, and the losses."""
