"""Loops, functions and scripts outside of models: run on stand-ins that know nothing but their rows."""
