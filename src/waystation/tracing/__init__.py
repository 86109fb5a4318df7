"""Spans sent to a collector by OpenTelemetry: `waystation[otel]`. Imported where a setting asks."""
