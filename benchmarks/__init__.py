"""How fast the library is, beside hand-written code that does the same. See `__main__`."""
