"""Laws and closed forms as tests, mirroring the rooms above; cases that several share are in `cases.py`."""
