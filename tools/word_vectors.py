"""Word vectors for ``meaning``, made of WordNet: words whose senses are one, or lie close, get vectors that do.

usage: python tools/word_vectors.py FOLDER OUT      (FOLDER as Debian's package wordnet-base has it: /usr/share/wordnet)

A word is the sum of its noun senses, the commoner the more (1, 1/4, 1/9 ...), and a sense that of its own random vector
and of those of what it is a kind of (0.5, 0.25, 0.125): words of one sense are near by, and the cosine of two senses
falls with their distance. Random vectors of 100 numbers keep cosines to about 0.1 (Johnson, Lindenstrauss 1984). OUT is
in the text format of word2vec. WordNet 3.0, Princeton University; its licence allows any use that names it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WIDTH = 100
UP = (0.5, 0.25, 0.125)
"""What the kinds of a sense count, the nearest first."""
SENSES = 5
Vector = NDArray[np.float64]


def parents(folder: Path) -> dict[str, str]:
    """Each noun sense, by its place in the data, and the first that it is a kind of."""
    found: dict[str, str] = {}
    for line in (folder / "data.noun").read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            continue
        fields = line.partition("|")[0].split()
        pointers = fields[4 + 2 * int(fields[3], 16) :]
        kinds = (pointers[at + 1] for at, mark in enumerate(pointers) if mark in ("@", "@i"))
        found[fields[0]] = next(kinds, "")
    return found


def senses(folder: Path) -> dict[str, list[str]]:
    """The noun senses of each single word, commonest first; the words that texts use most come first."""
    found: dict[str, tuple[int, list[str]]] = {}
    for line in (folder / "index.noun").read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            continue
        word, _, count, pointers, *rest = line.split()
        if word.isalpha():
            after = rest[int(pointers) :]
            found[word] = (int(after[1]), after[2 : 2 + int(count)])
    return {word: places for word, (_, places) in sorted(found.items(), key=lambda one: (-one[1][0], one[0]))}


def vectors(folder: Path) -> tuple[list[str], NDArray[np.float32]]:
    """The words and their vectors at length 1, (words, ``WIDTH``)."""
    above = parents(folder)
    places = {place: number for number, place in enumerate(above)}
    drawn = np.random.default_rng(0).standard_normal((len(places), WIDTH)) / np.sqrt(WIDTH)
    whole = drawn.copy()
    for place, number in places.items():
        at = place
        for share in UP:
            at = above.get(at, "")
            if at:
                whole[number] += share * drawn[places[at]]
    words = senses(folder)
    rows = np.zeros((len(words), WIDTH))
    for number, of in enumerate(words.values()):
        for rank, place in enumerate(of[:SENSES], 1):
            rows[number] += whole[places[place]] / rank**2
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return list(words), rows.astype(np.float32)


def main(folder: Path, out: Path) -> None:
    """Write the file."""
    words, rows = vectors(folder)
    with out.open("w", encoding="utf-8") as file:
        file.write(f"{len(words)} {WIDTH}\n")
        for word, row in zip(words, rows, strict=True):
            file.write(f"{word} {' '.join(f'{one:.4f}' for one in row)}\n")
    print(f"{len(words):,} words of {WIDTH} numbers in {out}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
