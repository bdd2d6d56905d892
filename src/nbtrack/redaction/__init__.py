"""What must not be kept or given away: one rule for every way into the record and out of it.

Applied where something is captured (params, tags, sources, output, errors), and again where it is
shown or exported, for what was recorded before.
"""
