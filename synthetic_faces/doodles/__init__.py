"""Doodles: faces as players of a drawing game draw them in twenty seconds.

`doodle` draws one, with what it shows; `hand` is the hand that draws, `parts` what it draws.
"""

from synthetic_faces.doodles.doodle import Doodle, Traits, bitmap, doodle, simplified, traits_of

__all__ = ["Doodle", "Traits", "bitmap", "doodle", "simplified", "traits_of"]
