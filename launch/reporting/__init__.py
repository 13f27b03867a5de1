"""What a run leaves behind: metrics.json, reports, tables and the figures that several programs draw."""
