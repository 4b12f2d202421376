"""The committed files that are generated from dbt and `dashboard.yml`."""

from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

from looker import (
    build_sheet,
    declaration,
    explores,
    field_mapping,
    lineage,
    lookml_dashboard,
    lookml_data_tests,
    lookml_explores,
    lookml_views,
    mart_table,
    ossie,
)
from looker.lineage import Origins
from looker.semantic import Semantics

FOLDER = Path(__file__).parent
# These folders hold generated files only: building removes any other file.
GENERATED_FOLDERS = ("lookml/views", "lookml/dashboards")


def build(semantics: Semantics, folder: Path = FOLDER) -> list[str]:
    """Write every file that has changed; returns their paths."""
    origins = lineage.trace_project(field_mapping.traced_columns(semantics))
    changed = dict(_find_changes(semantics, origins, folder))
    for path, content in changed.items():
        file = folder / path
        if content:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        else:
            file.unlink()
    return list(changed)


def check(semantics: Semantics, folder: Path = FOLDER) -> Iterator[str]:
    """The differences between the committed files and today's, as lines of a unified diff."""
    origins = lineage.load(folder / lineage.FILE.name)
    for path, content in _find_changes(semantics, origins, folder):
        before, after = (text.splitlines(keepends=True) for text in (_read(folder / path), content))
        yield from unified_diff(before, after, f"committed/{path}", f"generated/{path}")


def _find_changes(
    semantics: Semantics, origins: Origins, folder: Path
) -> Iterator[tuple[str, str]]:
    """The files that differ from today's: path and new content, empty for a file to remove."""
    expected = dict(_generate_files(semantics, origins))
    present = {
        str(file.relative_to(folder))
        for generated in GENERATED_FOLDERS
        for file in (folder / generated).glob("**/*")
        if file.is_file()
    }
    for path in sorted({*expected, *present}):
        content = expected.get(path, "")
        if content != _read(folder / path):
            yield path, content


def _generate_files(semantics: Semantics, origins: Origins) -> Iterator[tuple[str, str]]:
    dashboard = declaration.load(semantics)
    declared_explores = explores.load(semantics)
    yield lineage.FILE.name, lineage.render(origins)
    yield from field_mapping.generate_files(semantics, origins)
    yield from build_sheet.generate_files(dashboard, semantics)
    yield from mart_table.generate_files(dashboard, semantics)
    yield from ossie.generate_files(semantics)
    for path, content in (
        *lookml_views.generate_files(semantics, dashboard),
        *lookml_explores.generate_files(semantics, dashboard, declared_explores),
        *lookml_data_tests.generate_files(semantics, declared_explores),
        *lookml_dashboard.generate_files(dashboard, semantics, declared_explores),
    ):
        yield f"lookml/{path}", content


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else ""
