"""The live widgets, one module each; imported when one is shown."""
