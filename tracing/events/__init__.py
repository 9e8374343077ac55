"""Event records: schema, filters, conversion, live stream and replay."""
