"""What users type as `-S key=value`: single values taken as lists, and one line for what is wrong.

Hydra answers a misspelt key or choice in many lines, and DVC a run or seed that is no list with an
error of its own. `mend_hydra` stands around the one function with which Hydra composes;
`hydra_plugins/` brings it to `dvc exp run`.
"""

from __future__ import annotations

import difflib
import functools
import os
from collections.abc import Iterator, Sequence
from typing import Any

from dvc.exceptions import DvcException
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pipeline.common.code_hash import ROOT
from pipeline.common.data_roots import check_files, check_roots
from sketchface_models.errors import SketchFaceError

CONF = ROOT / "conf"
LISTS = ("run", "seeds", "pretrain")
"""Parameters that are lists; one value alone is taken for a list of it."""
DATA_ROOTS = ("data.root", "data.photo.root", "data.drawings.root")
HALVES = ("data/photo", "data/drawings")
"""Groups that `data=unpaired` alone has."""
QUOTED = "quote it twice, -S \"data.root='...'\", or put the folder into SKETCHFACE_DATA"


class WrongOverride(SketchFaceError, DvcException):
    """What was typed cannot be composed; DVC prints it as it prints its own errors."""


def mend_hydra(check_data: bool = False) -> None:
    """Let Hydra take single values for lists, and answer what is wrong in one line.

    Args:
        check_data: whether the folders of the data are looked into, too.
    """
    compose = ConfigLoaderImpl.load_configuration
    if hasattr(compose, "__wrapped__"):
        return

    @functools.wraps(compose)
    def load_configuration(
        self: Any, config_name: str, overrides: list[str], *rest: Any, **named: Any
    ) -> Any:
        def composed(lines: Sequence[str]) -> Any:
            return compose(self, config_name, list(lines), *rest, **named)

        try:
            parsed = [_parsed(line) for line in overrides]
            config = composed(list(map(_as_list, parsed)))
        except (HydraException, OmegaConfBaseException) as error:
            raise WrongOverride(_explained(error, overrides, composed)) from None
        _expand_home(config)
        if check_data:
            _check_data(config)
        return config

    loader: Any = ConfigLoaderImpl
    loader.load_configuration = load_configuration


def nearest(word: str, known: Sequence[str]) -> str:
    """Return the end of a message: the known word that is most like another, else all of them."""
    close = difflib.get_close_matches(word, known, 1, cutoff=0.5)
    return f"nearest: {close[0]}" if close else f"one of {', '.join(sorted(known))}"


def _parsed(line: str) -> Override:
    try:
        return OverridesParser.create().parse_overrides([line])[0]
    except OverrideParseException:
        raise WrongOverride(f"{line}: Hydra cannot read this value; {QUOTED}") from None


def _as_list(override: Override) -> str:
    """Return an override as it is composed."""
    line = str(override.input_line)
    key, _, value = line.partition("=")
    single = override.type == OverrideType.CHANGE and not override.is_sweep_override()
    if single and key in LISTS and isinstance(override.value(), str | int):
        return f"{key}=[{value}]"
    return line


def _explained(error: Exception, overrides: Sequence[str], composed: Any) -> str:
    """Return one line on what is wrong: the first override with an unknown key or choice."""
    parsed = [_parsed(line) for line in overrides]
    for override in parsed:
        options = _options(override.key_or_group)
        if options and override.type == OverrideType.CHANGE:
            value = override.value()
            if isinstance(value, str) and value not in options:
                return f"{override.input_line}: no {override.key_or_group} of this name; " + (
                    nearest(value, options)
                )
            if override.key_or_group in HALVES and "data=unpaired" not in overrides:
                return f"{override.input_line}: only data=unpaired has halves; add -S data=unpaired"
    choices = [each.input_line for each in parsed if _options(each.key_or_group)]
    try:
        config = composed(choices)
    except (HydraException, OmegaConfBaseException):
        return " ".join(str(error).split())
    for override in parsed:
        if override.type == OverrideType.CHANGE and not _options(override.key_or_group):
            unknown = _unknown(override.key_or_group, config)
            if unknown:
                return f"{override.input_line}: {unknown}"
    return " ".join(str(error).split())


def _unknown(key: str, config: Any) -> str:
    """Say which part of a dotted key is unknown, and the nearest right one; empty if none is."""
    inside: Any = config
    path = ""
    for part in key.split("."):
        known = list(map(str, inside)) if OmegaConf.is_dict(inside) else []
        if part in known:
            path = f"{path}.{part}" if path else part
            inside = inside[part]
            continue
        if not path:
            known = [name for name in known if name != "hydra"]
            known += [each.name for each in CONF.iterdir() if each.is_dir()]
        elsewhere = [name for name in _keys(config) if name.endswith(f".{part}")]
        if elsewhere and not difflib.get_close_matches(part, known, 1, cutoff=0.8):
            more = " ..." if len(elsewhere) > 3 else ""
            return f"no such parameter; there is {', '.join(elsewhere[:3])}{more}"
        if not known:
            return f"{path} is a value and has no {part!r}"
        where = f"{path} has no" if path else "no parameter"
        return f"{where} {part!r}; {nearest(part, sorted({*known}))}"
    return ""


def _keys(config: Any, path: str = "") -> Iterator[str]:
    """Yield every dotted key of a configuration but Hydra's own."""
    for name in config:
        if OmegaConf.is_interpolation(config, name) or (not path and name == "hydra"):
            continue
        key = f"{path}.{name}" if path else str(name)
        yield key
        if OmegaConf.is_dict(config[name]):
            yield from _keys(config[name], key)


def _options(group: str) -> list[str]:
    """Return the choices of a group of `conf/`; none where it is no group."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml")) if "." not in group else []


def _expand_home(config: Any) -> None:
    """Replace `~` at the beginning of a data folder, which no shell saw."""
    for key in DATA_ROOTS:
        root = _root(config, key)
        if root.startswith("~"):
            OmegaConf.update(config, key, os.path.expanduser(root))  # noqa: PTH111


def _check_data(config: Any) -> None:
    """Refuse data folders that are not there or hold what DVC cannot hash.

    They may have changed since `check` ran.
    """
    roots = {key: _root(config, key) for key in DATA_ROOTS if _root(config, key)}
    absolute = {key: str(ROOT / root) for key, root in roots.items()}
    try:
        check_roots(absolute, str(config["data"]["name"]))
        check_files(absolute)
    except SketchFaceError as error:
        raise WrongOverride(str(error)) from None


def _root(config: Any, key: str) -> str:
    value = OmegaConf.select(config, key, default="")
    return value if isinstance(value, str) else ""
