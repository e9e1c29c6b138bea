"""The server process: settings, composition, workers, metrics, logs."""
