"""What `launch.benchmark` measures: solvers, all pairs, graphs and training, timed and judged."""
