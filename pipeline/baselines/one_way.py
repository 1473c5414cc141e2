"""A pack whose domains share no test face, read from the side of one output.

No face of such a pack has a partner: what an output shows is told by its own input alone, and there
is no picture that says how right it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from sketchface_models.training.pack_reader import Pack


class OneWayPack(Pack):
    """The same pack with rows of the domain that an output is generated from.

    A system may read the other domain's pictures too, for its other output: row r then comes with
    a stand-in, picture r modulo their number, whatever the batch.

    Args:
        pack: of an unpaired run.
        target: field of the output.
        split: of the faces that are generated.
    """

    def __init__(self, pack: Pack, target: str, split: str) -> None:
        self.__dict__ |= vars(pack)
        aim = pack.domain_of(target)
        self.domains = [*(domain for domain in pack.domains if domain is not aim), aim]
        self.split = split

    @property
    def references(self) -> list[str]:
        """Ids of the faces of the split that have the output's own field."""
        aim = self.domains[-1]
        return [aim.ids[row] for row in aim.rows(self.split)]

    def paired_rows(self, split: str) -> list[np.ndarray]:
        """Return the rows of the faces that pictures are generated from."""
        return [self.rows(split)]

    def read_faces(self, rows: np.ndarray, fields: Sequence[str]) -> dict[str, Tensor]:
        """Return raw uint8 tensors by field: those of the rows, and stand-ins of other domains."""
        batch: dict[str, Tensor] = {}
        for number, domain in enumerate(self.domains):
            names = [name for name in fields if name in domain.fields]
            others = domain.rows(self.split)
            own = rows if number == 0 else others[np.asarray(rows) % len(others)]
            if names:
                batch |= self.read(own, names)
        return {name: batch[name] for name in fields}


def without_partners(pack: Pack, split: str) -> bool:
    """Return whether every domain has faces of a split, and no face is in all of them."""
    return (
        len(pack.domains) > 1
        and all(len(domain.rows(split)) for domain in pack.domains)
        and not len(pack.paired_rows(split)[0])
    )
