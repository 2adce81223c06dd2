pragma ComponentBehavior: Bound
import QtQuick
import Palm.live

// The live view, with a frame where a code is held.
Item {
    id: shown

    required property Frames frames

    LiveView {
        id: view

        anchors.fill: parent
        frames: shown.frames
        visible: live
    }
    Label {
        anchors.centerIn: parent
        visible: !view.live
        text: qsTr("No picture")
        color: Tokens.inkSoft
    }
    Rectangle {
        anchors.centerIn: parent
        width: Math.min(parent.width, parent.height) * 0.7
        height: width
        radius: Tokens.radius
        color: "transparent"
        border.color: Tokens.overlayAccent
        border.width: 8
        visible: view.live
        Accessible.ignored: true
    }
}
