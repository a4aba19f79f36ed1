"""Training: prepare crops, fit a network, evaluate it, write its card. Imports gender_demo."""
