"""Runs and models that come in bulk from elsewhere, and tables that go out."""
