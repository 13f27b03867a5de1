"""Decoders: where a user's own model enters, whatever kind it is of, and what it is asked for."""

from tfgeo.manifolds.decoders.decoder import Decoder

__all__ = ["Decoder"]
