"""The tool that makes word vectors of WordNet."""

from __future__ import annotations

from pathlib import Path

import pytest

from micromoments.retrieve.meaning import read
from tools.word_vectors import main

DATA = """  1 This software and database is being provided to you, the LICENSEE, by Princeton University
00001740 03 n 01 entity 0 001 ~ 00001930 n 0000 | that which is perceived
00001930 03 n 01 furniture 0 002 @ 00001740 n 0000 ~ 04256520 n 0000 | furnishings
04256520 06 n 03 sofa 0 couch 0 lounge 0 001 @ 00001930 n 0000 | an upholstered seat for more than one person
03116008 06 n 01 couch 0 001 @ 00001740 n 0000 | a flat coat of paint
00017222 03 n 02 plant 0 flora 0 001 @i 00001740 n 0000 | a living organism
"""
INDEX = """  1 This software and database is being provided to you, the LICENSEE, by Princeton University
couch n 2 1 @ 2 1 04256520 03116008
entity n 1 1 ~ 1 9 00001740
flora n 1 1 @i 1 0 00017222
furniture n 1 2 @ ~ 1 5 00001930
hot_dog n 1 1 @ 1 1 04256520
sofa n 1 1 @ 1 3 04256520
"""


def test_words_of_one_sense_lie_close(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A couch is a sofa before it is furniture, and no flora; common words come first, phrases are left out."""
    (tmp_path / "data.noun").write_text(DATA)
    (tmp_path / "index.noun").write_text(INDEX)
    main(tmp_path, tmp_path / "words.txt")
    lines = (tmp_path / "words.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["5", "entity", "furniture", "sofa", "couch", "flora"]
    near = read(lines).alike("couch", 4)
    assert [word for word, _ in near[:2]] == ["sofa", "furniture"]
    assert near[0][1] > 0.85
    assert near[1][1] < 0.75
    assert "5 words" in capsys.readouterr().out
