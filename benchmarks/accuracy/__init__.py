"""What the rules find and leave alone in real code that was judged by hand."""
