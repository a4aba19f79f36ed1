"""audit.json -> Audit, and whether it is this checkpoint's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from gender_demo.audit.schema import VERSION, Audit
from gender_demo.errors import CheckpointError

if TYPE_CHECKING:
    from gender_demo.vision.checkpoint import Config

AGAIN = "measure again with python -m train evaluate --write-audit, or delete the file."


def read_audit(raw: Mapping[str, Any] | None, where: object = "audit.json") -> Audit | None:
    """The audit that a file's JSON holds, version 1 converted; CheckpointError names ``where``."""
    if raw is None:
        return None
    version = raw.get("version")
    if version not in (1, VERSION):
        raise CheckpointError(
            f"{where} is of version {version!r} and this program reads 1 and {VERSION}: {AGAIN}"
        )
    try:
        return Audit.model_validate(_from_version_1(raw) if version == 1 else raw)
    except (LookupError, TypeError, AttributeError, ValidationError) as error:
        at = ""
        if isinstance(error, ValidationError):
            at = f" ({'.'.join(map(str, error.errors()[0]['loc']))})"
        raise CheckpointError(f"{where} cannot be read by this version{at}: {AGAIN}") from None


def settings(config: Config) -> dict[str, object]:
    """What decides an answer besides the weights, as it looks after a round trip through JSON."""
    left_out = ("name", "weights_sha256", "training")
    values = {name: value for name, value in asdict(config).items() if name not in left_out}
    plain: dict[str, object] = json.loads(json.dumps(values))
    return plain


def fits(audit: Audit, config: Config) -> bool:
    """Whether the audit was made with this checkpoint's weights and settings; settings that are
    younger than the audit had their default values then."""
    default = settings(type(config)(name=config.name, classes=config.classes))
    rules = {**_part(default, "rules"), **_part(audit.settings, "rules")}
    return audit.checkpoint.weights_sha256 == config.weights_sha256 and (
        default | audit.settings | {"rules": rules} == settings(config)
    )


def _part(values: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = values.get(name)
    return part if isinstance(part, dict) else {}


def _from_version_1(old: Mapping[str, Any]) -> dict[str, object]:
    """Version 1 kept the primary set under "fairface", whatever it held."""
    sets = dict(old["sets"])
    primary = sets.pop("fairface")
    return {
        **old,
        "version": VERSION,
        "primary": _set_from_version_1(primary),
        "others": [_set_from_version_1(data) for data in sets.values()],
        "full_pictures": {
            **old["context"],
            "chips": old["context"]["given"],
            "shown": [
                {**row, "chips_accuracy": row["same_faces_given"]}
                for row in old["context"]["shown"]
            ],
        },
        "corruptions": [
            {**row, "clean_accuracy": _before(row["accuracy"], row["lost_points"])}
            for row in old["degraded"]
        ],
        "invariance": [
            {**row, "hits": row["flips"], "shown_flips": row["flips_shown"]} for row in old["flips"]
        ],
    }


def _set_from_version_1(data: Mapping[str, Any]) -> dict[str, object]:
    calibration = data["calibration"]
    if calibration is not None:
        bins = [
            {
                **each,
                "start": each["from"],
                "end": each["to"],
                "hits": round(each["accuracy"] * each["count"]),
            }
            for each in calibration["bins"]
        ]
        calibration = {**calibration, "bins": bins}
    curve = [{**point, "hits": point["wrong"]} for point in data["risk_coverage"]]
    return {**data, "calibration": calibration, "risk_coverage": curve}


def _before(accuracy: float | None, lost_points: float | None) -> float | None:
    if accuracy is None or lost_points is None:
        return None
    return round(accuracy + lost_points / 100, 5)
