"""Symbolic dimensions, tensor shapes, and the tables of shape functions."""
