"""The camera's newest picture in the window, mirrored and filling its item.

The picture is copied straight into a texture of the scene graph, which is the cheapest way
(docs/decisions/0008).
"""

import time
from functools import partial
from typing import Any, cast

import cv2
import numpy as np
from PySide6.QtCore import Property, QObject, QRect, QRectF, QTimerEvent, Signal
from PySide6.QtGui import QImage
from PySide6.QtQuick import QQuickItem, QQuickWindow, QSGImageNode, QSGNode, QSGTexture
from shiboken6 import Shiboken
from typing_extensions import override

from hardware.camera.feed import Feed

MIRRORED = QSGImageNode.TextureCoordinatesTransformFlag.MirrorHorizontally
GONE_AFTER = 1.0
"""Seconds without a new picture after which none is shown."""


class Frames(QObject):
    """Passes the camera's feed through QML to the live view; `feed` is None until there is one."""

    def __init__(self) -> None:
        super().__init__()
        self.feed: Feed | None = None


class Viewing(QObject):
    """The mailbox and the pixels of one live view. The mailbox keeps this object alive until it is
    closed, because the camera's thread may signal while QML destroys the item. Once it is closed,
    only Qt's thread has references to this object and frees it."""

    arrived = Signal()

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self.pixels = np.zeros((*feed.size, 4), np.uint8)
        height, width = feed.size
        # It shares the memory of the pixels.
        self.image = QImage(self.pixels.data, width, height, QImage.Format.Format_RGB32)
        self._mailbox = feed.subscribe(self._ring)

    def _ring(self) -> None:
        self.arrived.emit()

    def take(self) -> bool:
        """Copies the newest picture into `image`. Returns False when there is no newer one."""
        lease = self._mailbox.take()
        if lease is None:
            return False
        with lease:
            cv2.cvtColor(lease.image, cv2.COLOR_BGR2BGRA, dst=self.pixels)
        return True

    def close(self) -> None:
        self._mailbox.close()
        self.pixels.fill(0)
        self.image = QImage()
        self.pixels = np.empty((0, 0, 4), np.uint8)

    @property
    def closed(self) -> bool:
        return self._mailbox.closed


class LiveView(QQuickItem):
    """Shows the newest picture. `live` is false, and nothing is shown, before the first picture and
    when none has come for a second."""

    frames_changed = Signal(name="framesChanged")
    live_changed = Signal(name="liveChanged")
    picture_changed = Signal(name="pictureChanged")

    def __init__(self, parent: QQuickItem | None = None) -> None:
        super().__init__(parent)
        self.setFlag(QQuickItem.Flag.ItemHasContents)
        # self.window() would make PySide tie the window's wrapper to this item and destroy it with
        # the item.
        self._window: QQuickWindow | None = None
        self.windowChanged.connect(self._enter)
        # PySide 6.11 never frees the wrapper of an item that QML has destroyed.
        self.destroyed.connect(partial(_empty, vars(self)))
        self._frames: Frames | None = None
        self.viewing: Viewing | None = None
        self._live = False
        self._latest = 0.0
        self.drawn = 0
        """The number of pictures given to the scene graph."""

    def _get_frames(self) -> Frames | None:
        return self._frames

    def _set_frames(self, frames: Frames | None) -> None:
        if frames is self._frames:
            return
        self._frames = frames
        if self.viewing is not None:
            self.viewing.close()
            self.viewing = None
        if frames is not None and frames.feed is not None:
            self.viewing = Viewing(frames.feed)
            self.viewing.arrived.connect(self._look)
            self.startTimer(int(GONE_AFTER * 500))
        self.frames_changed.emit()

    def _get_live(self) -> bool:
        return self._live

    def _picture(self) -> QRectF:
        if self.viewing is None:
            return QRectF(0, 0, self.width(), self.height())
        height, width = self.viewing.pixels.shape[:2]
        scale = max(self.width() / width, self.height() / height)
        across, down = width * scale, height * scale
        return QRectF((self.width() - across) / 2, (self.height() - down) / 2, across, down)

    frames = Property(QObject, _get_frames, _set_frames, notify=frames_changed)
    live = Property(bool, _get_live, notify=live_changed)
    picture = Property(QRectF, _picture, notify=picture_changed)
    """The rectangle of the whole frame in the item's coordinates; it may reach outside the item."""

    @override
    def geometryChange(self, new: QRectF | QRect, old: QRectF | QRect, /) -> None:
        super().geometryChange(new, old)
        self.picture_changed.emit()
        self.update()

    @override
    def timerEvent(self, event: QTimerEvent, /) -> None:
        self._set_live(time.monotonic() - self._latest < GONE_AFTER)

    @override
    def updatePaintNode(self, node: QSGNode | None, data: object, /) -> QSGNode | None:  # pyright: ignore[reportIncompatibleMethodOverride] - may be null
        """Runs on Qt's thread, since `ui.window` chooses the basic render loop."""
        window = self._window
        if window is None or self.viewing is None or not self._live:
            return node
        picture = cast(QSGImageNode, node) if node is not None else window.createImageNode()
        # Otherwise the texture of every picture would stay in memory.
        picture.setOwnsTexture(True)
        texture = window.createTextureFromImage(self.viewing.image)
        picture.setTexture(texture)
        # PySide keeps the wrapper of every texture as long as the window, although the node deletes
        # the texture long before. A wrapper that is invalid and has no parent is freed now.
        texture.setParent(None)
        Shiboken.invalidate(texture)
        picture.setTextureCoordinatesTransform(MIRRORED)
        picture.setFiltering(QSGTexture.Filtering.Linear)
        whole, shown = self._picture(), self.boundingRect()
        scale = self.viewing.image.width() / whole.width()
        picture.setSourceRect(
            QRectF(
                -whole.x() * scale,
                -whole.y() * scale,
                shown.width() * scale,
                shown.height() * scale,
            )
        )
        picture.setRect(shown)
        self.drawn += 1
        return picture

    def _enter(self, window: QQuickWindow | None) -> None:
        self._window = window

    def _look(self) -> None:
        if self.viewing is not None and self.viewing.take():
            self._latest = time.monotonic()
            self._set_live(True)
            self.update()

    def _set_live(self, live: bool) -> None:
        if live != self._live:
            self._live = live
            self.live_changed.emit()


def _empty(wrapper: dict[str, Any]) -> None:
    """Ends the viewing of a destroyed live view and empties its wrapper, which is never freed.
    Otherwise each screen would leave 3.7 MB behind, or 14 kB of signals without the pixels."""
    viewing: Viewing | None = wrapper.get("viewing")
    if viewing is not None:
        viewing.close()
    wrapper.clear()
