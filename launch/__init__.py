"""The doors: one program per kind of experiment, `python -m launch.NAME --entry=PAPER/NAME`."""
