"""Every shape that the evaluator claims, beside the one that is there when the model runs."""
