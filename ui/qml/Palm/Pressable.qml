import QtQuick
import QtQuick.Templates as T

// The base of all buttons: a name for the screen reader, keys, and a ring when it has the focus.
T.AbstractButton {
    id: pressable

    property color ring: Tokens.ink
    property real rounding: Tokens.radius

    implicitWidth: Math.max(Tokens.target, implicitContentWidth + leftPadding + rightPadding)
    implicitHeight: Math.max(Tokens.target, implicitContentHeight + topPadding + bottomPadding)
    leftPadding: Tokens.loose
    rightPadding: Tokens.loose
    focusPolicy: Qt.StrongFocus
    opacity: enabled ? 1 : 0.45
    Accessible.role: Accessible.Button
    Accessible.name: text

    Keys.onReturnPressed: click()
    Keys.onEnterPressed: click()

    Rectangle {
        anchors.fill: parent
        anchors.margins: -10
        visible: pressable.visualFocus
        radius: pressable.rounding + 10
        color: "transparent"
        border.color: pressable.ring
        border.width: 5
    }
}
