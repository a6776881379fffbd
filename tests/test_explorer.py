"""On the analyst's own screen: controls redraw the view, a save goes through the gate, the wizard ends in a matrix."""

import json
import os
import re
from pathlib import Path

import nbformat
import pandas as pd
import papermill
import pytest

from ysj_analysis import explorer, load, wizard

ROOT = Path(__file__).resolve().parents[1]
STUDY = load.study(ROOT / "data/synthetic")
widgets = pytest.importorskip("ipywidgets", reason="needs the extra lab")


@pytest.fixture(scope="module")
def controls():
    return explorer.Explorer(ROOT / "data/synthetic")


def counted(page, group):
    row = re.search(rf'<th scope="row">{group}</th><td[^>]*>([\d,]+)</td><td[^>]*>([\d,]+)</td>', page)
    return int(row[1].replace(",", "")), int(row[2].replace(",", ""))


def test_each_control_redraws_the_view(controls):
    """The counts are of the children arrested in the years, by hand."""
    controls.controls["stage"].value = "arrest"
    controls.controls["area"].value = "Camden"
    controls.controls["years"].value = 1
    controls.controls["year"].value = 2022
    events = pd.read_csv(ROOT / "data/synthetic/events.csv", parse_dates=["date"])
    children = pd.read_csv(ROOT / "data/synthetic/children.csv").set_index("child_id")
    here = events[(events["stage"] == "arrest") & (events["area"] == "Camden")]
    here = here[here["date"].between("2022-04-01", "2023-03-31")]
    people = children.loc[here["child_id"].unique()]
    black = people["ethnicity"].str.startswith("B") & people["ethnicity_source"].eq("self")
    assert counted(controls.page.value, "Black")[0] == black.sum()
    controls.controls["unit"].value = "episodes"
    assert counted(controls.page.value, "Black")[0] == here["child_id"].isin(people.index[black]).sum()
    controls.controls["group"].value = "Mixed"
    assert "Mixed-heritage children" in controls.page.value
    headline = re.search(r'<div class="headline">.*?</div>', controls.page.value, re.DOTALL)[0]
    assert "Black" not in headline
    assert controls.page.value.startswith("<p><strong>Working figures, not for publication")


def test_what_cannot_be_drawn_is_said_in_its_place(controls):
    controls.controls["reference"].value = "Black"
    controls.controls["group"].value = "Black"
    assert "Traceback" not in controls.page.value
    assert controls.page.value


def test_it_shows_itself(controls):
    bundle = controls._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_what_is_saved_went_through_the_gate(tmp_path):
    one = explorer.Explorer(ROOT / "data/synthetic")
    one.controls["stage"].value = "charge"
    folder = one.save(tmp_path)
    table = pd.read_csv(folder / "tables/topic.csv", dtype=str, keep_default_na=False)
    shown = [c for c in table["events"] if c not in ("[c]", "[x]", "[z]")]
    assert shown
    assert all(int(float(c)) % 5 == 0 for c in shown)
    marked = one.save(tmp_path, edition="restricted")
    assert "OFFICIAL-SENSITIVE" in marked.name


def run(name, place, **parameters):
    """Run a notebook as JupyterLab would, every cell from the top."""
    out = place / f"{name}.ipynb"
    papermill.execute_notebook(
        str(ROOT / f"notebooks/{name}.ipynb"), str(out), parameters, progress_bar=False, cwd=str(place)
    )
    return nbformat.read(out, as_version=4)


def test_explore_runs_from_top_to_bottom(tmp_path):
    done = run("explore", tmp_path, data=str(ROOT / "data/synthetic"))
    assert all(c["outputs"] for c in done.cells if c["id"] in ("e001", "c004", "c007", "c009"))


def test_from_a_raw_export_to_a_first_matrix(tmp_path):
    done = run("bring_your_data", tmp_path, folder="my-data")
    said = "".join(o.get("text", "") for c in done.cells for o in c.get("outputs", []))
    assert "Nothing is left to decide." in said
    truth = json.loads((tmp_path / "my-data/made-up export/truth.json").read_text())
    study = load.study(tmp_path / "my-data/study")
    assert truth
    assert study.events is not None
    again = run("bring_your_data", tmp_path, folder="my-data")  # a second time changes nothing
    assert [c.get("outputs") for c in again.cells if c["id"] == "c006"] == [
        c.get("outputs") for c in done.cells if c["id"] == "c006"
    ]


def test_a_mapping_changed_after_the_study_was_made_is_not_passed_over(tmp_path):
    made = wizard.export([], str(tmp_path / "mine"))
    assert wizard.convert(made) == wizard.convert(made) == "The study is study/, in mine."
    later = (made.study / "ledger.csv").stat().st_mtime + 5
    os.utime(made.mapping, (later, later))
    with pytest.raises(
        load.DataError, match=r"was made before mapping.toml was last changed. Rename or remove study/"
    ):
        wizard.convert(made)


def test_the_wizard_names_what_is_open_and_what_is_not_there(tmp_path):
    made = wizard.export([], str(tmp_path))
    made.mapping.unlink()
    text = wizard.propose(made)
    assert re.search(r"\d+ lines are yours to decide:", text)
    assert '"?"' in text
    with pytest.raises(load.DataError, match=r"1 of 1 files of the export are not there. First: gone.csv"):
        wizard.export(["gone.csv"], str(tmp_path))
