"""Edit sets: pairs of drawings of one face that differ in one region alone.

They follow the 11 groups of drawings with which Cheng et al. 2022 (section 4.1, figure 2) show
how far a change in one region of a drawing reaches:

    pair = edit_set("G8", seed=0, id=17, size=512, variant=3)
    pair.before.lines, pair.after.lines, pair.mask, pair.corner

`groups` says what each group changes and how, `extras` draws what contours do not have (hair,
whiskers, wrinkles, ears, graffiti), `edit_sets` renders and draws both pictures of a pair.
"""

from synthetic_faces.edits.edit_sets import EditSet, Picture, corner_pixel, edit_set
from synthetic_faces.edits.groups import CORNER, GROUPS, Group

__all__ = ["CORNER", "GROUPS", "EditSet", "Group", "Picture", "corner_pixel", "edit_set"]
