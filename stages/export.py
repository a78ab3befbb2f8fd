"""Take the dataset elsewhere: in the formats of others, with cards, or to the Hugging Face hub.

Command: python -m stages.export FORMAT [--out FOLDER]
         FORMAT: trl, openai, hermes, sharegpt, xlam, bfcl
         python -m stages.export preferences [--out FOLDER]
         python -m stages.export cards [--out FOLDER]
         python -m stages.export hub --repo ORG/NAME [--model] [--public]
Reads:   data/dataset; for preferences params.yaml, the pack, data/routed, data/ingested; for cards
         params.yaml, the pack, metrics/{validate,finetune,evaluate}.json, models/base,
         models/adapter; for hub a token in HF_TOKEN
Writes:  data/export/{FORMAT,preferences}, data/export/cards/{dataset,model}/README.md, or FOLDER;
         hub: the dataset in TRL's format with its card, with --model also the adapter with its card

preferences: for TRL's DPOTrainer. Beside the right answer one that is wrong for the same words: its
call changed in one way, which the checks of a query refuse.

Not a stage of the pipeline. Rows that a format cannot hold are left out and counted. A repository
of the hub is private, unless --public is said.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from stages import exporting
from stages.core import files
from stages.core.command import InputError, run
from stages.core.pace import listed
from stages.core.settings import load as load_settings
from stages.exporting import cards, facts, hub, preferences

OUT = Path("data/export")


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "what",
        choices=[*exporting.FORMATS, "preferences", "cards", "hub"],
        help="a format, preferences, cards or hub",
    )
    parser.add_argument("--out", type=Path, help="folder (default: data/export/FORMAT)")
    parser.add_argument("--repo", metavar="ORG/NAME", help="repository of the hub")
    parser.add_argument("--model", action="store_true", help="the adapter, too")
    parser.add_argument("--public", action="store_true", help="a repository that all may see")
    options = parser.parse_args(argv)
    if options.what != "hub" and (options.repo or options.model or options.public):
        parser.error("--repo, --model and --public belong to hub")
    if options.what == "hub" and not options.repo:
        parser.error("hub needs --repo ORG/NAME")
    return options


def write_format(name: str, folder: Path) -> None:
    """Write the dataset in a format, and say what became of its rows."""
    written = exporting.export(name, facts.DATASET, folder)
    counts = " and ".join(f"{n} {split} rows" for split, n in written.rows.items())
    print(f"{name}: {counts or 'no rows'} -> {folder}")
    for reason, n in written.left_out.most_common():
        print(f"  left out: {n} rows {reason}, which {name} cannot hold")


def write_preferences(folder: Path) -> None:
    """Write pairs of a right and a wrong answer, and say of which kinds, and what gave none."""
    # Here, so that --help need not wait for numpy.
    from stages.spine.preferences import Pairs

    pairs = Pairs(load_settings())
    for split in exporting.SPLITS:
        preferences.write(folder, split, map(preferences.row, pairs.of(split)))
        kinds = pairs.kinds[split]
        print(f"preferences: {kinds.total()} {split} rows ({listed(kinds)}) -> {folder}")
    for reason, n in pairs.left_out.most_common():
        print(f"  left out: {n} rows {reason}")


def write_cards(folder: Path) -> None:
    """Write the card of the dataset, and of the adapter where there is one."""
    run_facts = facts.read(load_settings())
    texts = {"dataset": cards.dataset_card(run_facts)}
    if facts.ADAPTER.is_dir():
        texts["model"] = cards.model_card(run_facts)
    for name, text in texts.items():
        with files.replacing(folder / name / "README.md") as temporary:
            temporary.write_text(text, "utf-8")
        print(f"cards: {folder / name / 'README.md'}")
    if "model" not in texts:
        print(f"cards: none of a model, for {facts.ADAPTER} is missing")


def push(repo: str, model: bool, public: bool) -> None:
    """Write dataset and card, with `model` also adapter and card, to the hub."""
    hub.check_repo(repo)
    hub.token()
    if model and not facts.ADAPTER.is_dir():
        raise InputError(f"{facts.ADAPTER} is missing: run `dvc repro`, or leave --model out")
    run_facts = facts.read(load_settings())
    folder = OUT / "trl"
    write_format("trl", folder)
    license_files: dict[str, Path | bytes] = {file.name: file for file in run_facts.license_files}
    splits = {cards.DATA.format(s): folder / f"{s}.parquet" for s in exporting.SPLITS}
    uploads = {"README.md": cards.dataset_card(run_facts, repo).encode(), **splits, **license_files}
    print(f"hub: {len(uploads)} files -> {hub.push(repo, 'dataset', uploads, public)}")
    if model:
        uploads = {"README.md": cards.model_card(run_facts, repo).encode(), **facts.adapter_files()}
        print(f"hub: {len(uploads)} files -> {hub.push(repo, 'model', uploads, public)}")


def main(argv: list[str] | None = None) -> None:
    options = arguments(argv)
    if options.what == "hub":
        push(options.repo, options.model, options.public)
    elif options.what == "preferences":
        write_preferences(options.out or OUT / "preferences")
    elif options.what == "cards":
        write_cards(options.out or OUT / "cards")
    else:
        write_format(options.what, options.out or OUT / options.what)


if __name__ == "__main__":
    run(main)
