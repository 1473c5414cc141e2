"""Face parsing: the classes, how a parser sees them while it learns, and parsing itself."""
