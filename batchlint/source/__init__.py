"""From paths to text: discovery, decoding, notebooks, suppressions and the guards before a parse."""
