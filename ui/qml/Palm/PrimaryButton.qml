import QtQuick
import QtQuick.Layouts

// The button for the main action of a screen.
Pressable {
    id: button

    Layout.fillWidth: true
    Layout.fillHeight: true

    property string sign: ""

    background: Rectangle {
        radius: Tokens.radius
        color: button.pressed ? Tokens.accentPressed : Tokens.accent
        scale: button.pressed ? 0.985 : 1

        Behavior on scale {
            NumberAnimation {
                duration: Tokens.quick
            }
        }
    }
    contentItem: ButtonFace {
        text: button.text
        sign: button.sign
        colour: Tokens.inkOnAccent
    }
}
