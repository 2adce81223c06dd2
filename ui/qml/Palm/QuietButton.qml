import QtQuick

// An unobtrusive button: the way back, or to help.
Pressable {
    id: button

    property string sign: ""
    property color colour: Tokens.ink
    property color ground: "transparent"

    ring: colour
    leftPadding: Tokens.gap
    rightPadding: Tokens.loose

    background: Rectangle {
        radius: Tokens.radius
        color: button.pressed ? Tokens.pressed : button.ground
    }
    contentItem: ButtonFace {
        text: button.text
        sign: button.sign
        colour: button.pressed ? Tokens.ink : button.colour
        strong: false
    }
}
