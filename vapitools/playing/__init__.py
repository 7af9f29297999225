"""Vapi's side of a call, played against a server."""
