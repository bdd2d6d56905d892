"""What answers over HTTP: endpoints, one table of routes, one adapter to Tornado."""
