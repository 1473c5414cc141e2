"""Photos of your own, or photos and sketches paired by name, in any common picture format.

A photo `photos/anna/01.jpg` and a sketch `sketches/anna/01.png` are a pair. Folders are searched
to any depth, through links too; what begins with a dot is skipped. Photos that equal another one
byte for byte are left out, so that none can stand in train and in test.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pipeline.common.picture_files import safe_id
from pipeline.datasets.base import (
    FAULT,
    Adapter,
    DataSettings,
    Item,
    Offer,
)
from pipeline.datasets.listing import (
    paired,
    pictures,
    sub_folder,
    with_unique_ids,
    without_copies,
)
from sketchface_models.config import between

USUAL = ("photos", "sketches")
"""Sub-folders of photos and of sketches, as `conf/data/folder.yaml` has them."""


@dataclass(frozen=True)
class FolderSettings(DataSettings):
    """The `data` section for a folder."""

    photos: str
    """Sub-folder of `root` with the photos; empty: `root` itself."""
    sketches: str
    """Sub-folder of `root` with the sketches; empty: there are none."""
    test_fraction: Annotated[float, between(0, 0.9)]
    """Part of the faces, chosen by id and seed, that becomes the test split."""


class Folder(Adapter[FolderSettings]):
    """A folder of photos, or of photos and sketches."""

    name = "folder"
    Settings = FolderSettings

    def find(self, settings: FolderSettings) -> Offer:
        """Return the photos, or pairs, and a reason for every file that cannot be used.

        Raises:
            SketchFaceError: if a sub-folder does not exist.
        """
        root = Path(settings.root)
        photo_folder = sub_folder(root, settings.photos, "data.photos")
        if not settings.sketches:
            photos, rejected = pictures(photo_folder)
            items = [_item(name, {"photo": path}) for name, path in photos]
        else:
            sketch_folder = sub_folder(root, settings.sketches, "data.sketches")
            photos, rejected = pictures(photo_folder, skip=sketch_folder)
            sketches, more = pictures(sketch_folder)
            pairs, unpaired = paired(photos, sketches, (settings.photos, settings.sketches))
            items = [_item(name, files) for name, files in pairs]
            rejected += more + unpaired
        items, copies = without_copies(items)
        return Offer(with_unique_ids(items), rejected + copies)

    def fields(self, settings: FolderSettings) -> set[str]:
        """Return photos, and sketches where a folder is named for them."""
        return {"photo", "sketch"} if settings.sketches else {"photo"}

    def variants(self, root: Path) -> list[FolderSettings]:
        """Return settings with the sub-folders by their usual names."""
        photos, sketches = guess(root)
        return [self.minimal_settings(root, photos=photos, sketches=sketches, test_fraction=0.2)]

    def validate(self, root: Path | str) -> list[str]:
        """Count the pictures of a folder by their endings; its sub-folders by their usual names."""
        (settings,) = self.variants(Path(root))
        offer = self.find(settings)
        paths = [path for item in offer.items for path in item.files.values()]
        endings = Counter(path.suffix.lower() for path in paths)
        sketches = settings.sketches
        what = f"photos in {settings.photos or '.'}/"
        what += f", sketches in {sketches}/" if sketches else ""
        lines = [
            f"{what}: {len(offer.items)} {'pairs' if sketches else 'photos'}",
            *(f"{ending}: {count} files" for ending, count in sorted(endings.items())),
        ]
        if (settings.photos, sketches) != USUAL:
            own = f"data.photos='{settings.photos}'", f"data.sketches='{sketches}'"
            lines.append("its settings: " + " ".join(f'-S "{each}"' for each in own))
        return lines if offer.items else [*lines, f"{FAULT}{root}: no picture to use"]


def guess(root: Path | str) -> tuple[str, str]:
    """Return the sub-folders of photos and of sketches by their usual names, or empty."""
    root = Path(root)
    photos = next((name for name in ("photos", "photo") if (root / name).is_dir()), "")
    sketches = next((name for name in ("sketches", "sketch") if (root / name).is_dir()), "")
    return photos, sketches


def _item(name: str, files: dict[str, Path]) -> Item:
    return Item(id=safe_id(name), source="folder", files=files)
