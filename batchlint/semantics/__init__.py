"""From a libcst tree to abstract values and what rules observe of them."""
