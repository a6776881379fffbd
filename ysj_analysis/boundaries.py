"""In which area is this point? A file of boundaries (GeoJSON), read with shapely where it is installed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from .tables import DataError, shown

_NAME = re.compile(r"(lad|ctyua|utla|ltla|ca|pfa)\d\d(nm|name)|name|(lad|borough|area)_?name", re.IGNORECASE)


def area_names(
    longitude: np.ndarray, latitude: np.ndarray, file: str | Path, *, name: str = ""
) -> tuple[np.ndarray, list[str]]:
    """Name the area each point lies in.

    Parameters
    ----------
    longitude, latitude : ndarray of float
        In degrees (WGS84); NaN where there is none.
    file : path
        GeoJSON: a feature for each area, in longitude and latitude.
    name : str
        The property that names an area. It need only be said when the file does not make it plain.

    Returns
    -------
    names : ndarray of str
        The name of the area; empty for a point outside them all and for none. On a shared line the
        first in the file.
    areas : list of str
        Every area of the file, in its order.

    Raises
    ------
    DataError
        If the file cannot be used, or shapely is not installed.
    """
    try:
        import shapely
    except ImportError:
        raise DataError(
            "Boundaries need shapely, which is not installed. Install the kit with its boundaries extra "
            "(pip install .[boundaries]), or name the area."
        ) from None
    file = Path(file)
    features = _features(file)
    names = _names(features, file.name, name)
    try:
        shapes = shapely.from_geojson([json.dumps(feature["geometry"]) for feature in features])
    except (KeyError, TypeError, shapely.errors.GEOSException):
        raise DataError(
            f"{file.name}: a feature has no shape that can be read. Give polygons, as they are published."
        ) from None
    _refuse_other_grids(shapely.total_bounds(shapes), file.name)
    found = np.full(len(longitude), "", dtype=object)
    there = np.flatnonzero(np.isfinite(longitude) & np.isfinite(latitude))
    points = shapely.points(longitude[there], latitude[there])
    which, area = shapely.STRtree(shapes).query(points, predicate="intersects")
    for at, label in sorted(zip(there[which].tolist(), area.tolist(), strict=True), reverse=True):
        found[at] = names[label]
    return found, list(dict.fromkeys(names))


def _features(file: Path) -> list[dict]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
        features = content["features"]
        if not features or not all(isinstance(f["properties"], dict) for f in features):
            raise KeyError("features")
    except FileNotFoundError:
        raise DataError(f"{file.name}: there is no such file. Check the path of the boundaries.") from None
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError):
        raise DataError(
            f"{file.name}: not a GeoJSON file of areas (a FeatureCollection with properties). Download the "
            "boundaries as GeoJSON."
        ) from None
    return features


def _names(features: list[dict], file: str, name: str) -> list[str]:
    """Read the name of each area from the one property that holds it."""
    properties = list(features[0]["properties"])
    wanted = [p for p in properties if (p == name if name else _NAME.fullmatch(p))]
    if len(wanted) != 1:
        raise DataError(
            f"{file}: {len(wanted)} of {len(properties)} properties can be the name of an area. It has "
            f"{', '.join(shown(p) for p in properties[:12])}. Say which with boundary_name=PROPERTY."
        )
    names = [str(feature["properties"].get(wanted[0]) or "").strip() for feature in features]
    if "" in names:
        raise DataError(
            f"{file}: {names.count('')} of {len(names)} areas have no name. First: feature "
            f"{names.index('') + 1}, property {shown(wanted[0])}. Name them, or choose another property."
        )
    return names


def _refuse_other_grids(bounds: np.ndarray, file: str) -> None:
    low_x, low_y, high_x, high_y = bounds
    if not (low_x >= -180 and high_x <= 180 and low_y >= -90 and high_y <= 90):
        raise DataError(
            f"{file}: the boundaries are not in longitude and latitude. Download them as GeoJSON in WGS84 "
            "(EPSG:4326), not on the National Grid."
        )
