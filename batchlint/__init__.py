"""Find and prove batch-size hazards in deep learning code. Importing this imports neither libcst nor a framework."""

__version__ = "0.1.0"
