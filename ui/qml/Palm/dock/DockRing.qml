pragma ComponentBehavior: Bound
import QtQuick
import Palm

// The light ring around the lens as the shopper sees it.
Rectangle {
    id: ring

    required property list<color> colours

    width: 132
    height: 132
    radius: width / 2
    color: "#0b1012"
    border.width: 1
    border.color: Tokens.line
    Accessible.role: Accessible.Graphic
    Accessible.name: qsTr("Light ring")

    Rectangle {
        anchors.centerIn: parent
        width: 40
        height: 40
        radius: 20
        color: "black"
        border.width: 2
        border.color: Tokens.line
    }
    Repeater {
        model: ring.colours

        Rectangle {
            required property int index
            required property color modelData
            // Segments are counted clockwise as the camera sees them, which looks the other way.
            readonly property real turn: -index * Math.PI / 4

            x: ring.width / 2 + 48 * Math.sin(turn) - width / 2
            y: ring.height / 2 - 48 * Math.cos(turn) - height / 2
            width: 28
            height: 28
            radius: 14
            color: modelData
            border.width: 1
            border.color: "#3c4a4e"
        }
    }
}
