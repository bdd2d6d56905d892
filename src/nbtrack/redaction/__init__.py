"""Redaction of secrets: one rule for everything that is stored or exported.

Applied where something is captured (params, tags, sources, output, errors), and again where it is
shown or exported, for what was recorded before.
"""
