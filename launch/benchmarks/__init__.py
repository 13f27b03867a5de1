"""What `launch.benchmark` measures: methods, problems, suites, and how they are timed and judged."""
