import subprocess
import sys
from pathlib import Path

from PySide6.QtGui import QImage


def test_the_tour_leaves_a_picture_of_a_screen(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ui.tour", "--out", str(tmp_path)]
    options = ["--variant", "dark", "--size", "640x400", "--only", "approved-fortune"]
    subprocess.run([*command, *options], check=True, capture_output=True)
    picture = QImage(str(tmp_path / "dark-640x400" / "approved-fortune.png"))
    assert (picture.width(), picture.height()) == (640, 400)
    colours = {picture.pixel(x, y) for x in range(0, 640, 8) for y in range(0, 400, 8)}
    assert len(colours) > 5
