"""Reports of run records: one HTML file, Markdown, CSV or JSON."""
