"""Rivals, floors and the library itself: one file each, all answering the same requests.

Each has a `make(secret)` that returns the ASGI app.
"""
