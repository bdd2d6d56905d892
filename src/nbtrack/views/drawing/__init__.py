"""Charts without a browser: axes, a PNG, an SVG."""
