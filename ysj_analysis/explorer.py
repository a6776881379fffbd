"""What does one area, period, stage or group look like? Controls and one view, for the analyst's own screen.

Everything shown is headed "working figures, not for publication". To hand something on, :meth:`Explorer.save`
renders the same stage as a report, which passes the gate, or is marked restricted.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import decompose, disclosure, figures, load, measures, pipeline, present, sentences, wording
from .load import DataError, Study
from .reading import near, shown
from .vocabulary import UNKNOWN


def view(
    study: Study,
    *,
    area: str,
    year: int,
    years: int = 5,
    stage: str = "",
    group: str = "",
    reference: str = "",
    unit: str = "",
) -> str:
    """Lay out the matrix, the cascade, and the counts and sentence of one stage and group.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    area : str
        One of its areas.
    year, years : int
        The last year and how many are pooled.
    stage, group : str
        What the sentence is about; the caseload and every group if empty.
    reference, unit : str
        The study's own if empty.

    Returns
    -------
    str
        HTML, headed as working figures.

    Raises
    ------
    DataError
        If the study has no such area, year, stage or group.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> shown = view(load.study("data/synthetic"), area="Islington", year=2023, stage="charge", group="Black")
    >>> "not for publication" in shown, "Black children" in shown
    (True, True)
    """
    words, reference = wording.Words.of(study), reference or study.reference
    for name, given, there in (("stage", stage, list(study.stages)), ("group", group, words.known(study))):
        if given and given not in there:
            raise DataError(
                f"{name} {shown(given)} is not one of the {len(there)} of this study: {', '.join(there)}."
                f"{near(given, there)} Choose one of them."
            )
    counts = pipeline.for_report(study, area=area, year=year, years=years, unit=unit or None)
    own = pipeline.conditional(counts, study.stages)
    known = disclosure.working(own).where(group=words.known(study))
    ratios = known.measure(measures.relative_rates, reference=reference)
    stage = stage or pipeline.caseload(study)
    steps = ratios.derive(
        decompose.cascade, stages=study.stages, to=decompose.end_of_path(ratios.table, study.stages)
    )
    chosen = ratios.where(stage=stage, **({"group": group} if group else {}))
    against = words.people(reference, study.unit)
    parts = (
        present.text(*sentences.findings(chosen, words), kind="headline"),
        figures.matrix(ratios, name="matrix", title=f"Relative rates, compared with {against}", words=words),
        figures.cascade(steps, name="cascade", title="Where the gap opens", words=words),
        present.table(
            [
                disclosure.working(own).where(stage=stage).measure(measures.rates),
                disclosure.working(own)
                .where(stage=stage)
                .measure(measures.relative_rates, reference=reference),
            ],
            name="counts",
            title=words.stage(stage),
            words=words,
            columns={
                "Number": "events",
                "Out of": "denominator",
                "Rate or share": "rate_per_1000|proportion.estimate",
                "Relative rate (95% interval)": "rate_ratio|risk_ratio.with_interval",
                "Period": "period",
            },
        ),
    )
    return f"<p><strong>{disclosure.WORKING.heading}</strong></p>" + "".join(p.html for p in parts)


def choices(study: Study) -> dict[str, list]:
    """List what can be chosen in a study, the usual choice first.

    Parameters
    ----------
    study : Study
        From ``load.study``.

    Returns
    -------
    dict of str to list
        The values of each control of :func:`view`, by its name.
    """
    first, last = study.years
    held: Any = study.counts if study.events is None else study.events
    stages = [s for s in study.stages if (held["stage"] == s).any()]
    usual = pipeline.caseload(study)
    groups = [g for g in study.groups if g != UNKNOWN]
    units = ["children", "episodes"] if study.events is not None else [study.unit]
    return {
        "area": list(study.areas),
        "year": list(range(last, first - 1, -1)),
        "years": sorted(range(1, last - first + 2), key=lambda n: (n != min(5, last - first + 1), n)),
        "stage": sorted(stages, key=lambda s: s != usual),
        "group": ["", *(g for g in groups if g != study.reference)],
        "reference": sorted(groups, key=lambda g: g != study.reference),
        "unit": sorted(units, key=lambda u: u != study.unit),
    }


class Explorer:
    """Controls that redraw the view of a study; shows itself in JupyterLab.

    Parameters
    ----------
    folder : path
        The study folder.

    Attributes
    ----------
    study : Study
        The study.
    controls : dict of str to Widget
        One for each choice: set ``controls["area"].value`` to choose from code.
    page : Widget
        The view, in ``page.value``.
    """

    def __init__(self, folder: str | Path) -> None:
        import ipywidgets

        self.folder = Path(folder)
        self.study = load.study(folder)
        words = wording.Words.of(self.study)
        self.controls = {
            name: ipywidgets.Dropdown(
                options=[(_label(name, v, words), v) for v in values],
                value=values[0],
                description=name.capitalize(),
            )
            for name, values in choices(self.study).items()
        }
        self.page = ipywidgets.HTML()
        for control in self.controls.values():
            control.observe(lambda _: self.redraw(), "value")
        self.redraw()

    @property
    def chosen(self) -> Mapping[str, Any]:
        """What is chosen now, by name."""
        return {name: control.value for name, control in self.controls.items()}

    def redraw(self) -> None:
        """Draw the view of what is chosen; say in its place why it cannot be drawn."""
        try:
            self.page.value = view(self.study, **self.chosen)
        except (DataError, ValueError) as error:
            self.page.value = f"<p><strong>{html.escape(str(error))}</strong></p>"

    def save(self, out: str | Path = "reports", *, edition: str = "public") -> Path:
        """Render the chosen stage as a report: through the gate, or marked restricted.

        Parameters
        ----------
        out : path
            Folder of all reports.
        edition : {"public", "restricted"}
            Which edition.

        Returns
        -------
        Path
            The finished folder.
        """
        from .report import render

        picked = self.chosen
        given = {name: picked[name] for name in ("area", "year", "years", "reference")} | {
            "topic": picked["stage"]
        }
        return render("working_group_monthly", data=self.folder, out=out, parameters=given, edition=edition)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Any:
        import ipywidgets

        rows = ipywidgets.Box(
            list(self.controls.values()), layout=ipywidgets.Layout(flex_flow="row wrap", display="flex")
        )
        return ipywidgets.VBox([rows, self.page])._repr_mimebundle_(include=include, exclude=exclude)


def _label(name: str, value: object, words: wording.Words) -> str:
    """Write a choice as a reader would."""
    if name == "stage":
        return words.stage(str(value))
    if name == "group":
        return words.group(str(value)) if value else "every group"
    if name == "year":
        return words.when({"year": value, "years": 1})
    return str(value)
