"""The `style` stage."""
