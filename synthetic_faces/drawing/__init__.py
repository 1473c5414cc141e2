"""The figure as pencil drawings: three styles, and an amateur's rough lines."""
