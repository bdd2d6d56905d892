"""Logging without a log call: what libraries train is logged as they train it."""
