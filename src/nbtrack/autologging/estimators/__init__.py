"""Estimators of scikit-learn, and of those who follow it: their fits, and their scores later."""
