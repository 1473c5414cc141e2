"""Who a face is, what it does and wears, and how it is lit: drawn at random, as parameters."""
