"""Stores: distances on disk block by block, by this process or by many workers, through interruptions."""
