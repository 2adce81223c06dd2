import QtQuick
import QtQuick.Layouts

// A button for an action that is not the main one.
Pressable {
    id: button

    Layout.fillWidth: true
    Layout.fillHeight: true

    property string sign: ""

    background: Rectangle {
        radius: Tokens.radius
        color: button.pressed ? Tokens.pressed : Tokens.raised
        border.color: Tokens.line
        border.width: Tokens.stroke
    }
    contentItem: ButtonFace {
        text: button.text
        sign: button.sign
        colour: Tokens.ink
    }
}
