"""The engines that compute what a network does."""
