import QtQuick
import QtQuick.Templates as T
import Palm

// A small button: the dock is used with a mouse.
T.AbstractButton {
    id: button

    implicitWidth: words.implicitWidth + 24
    implicitHeight: 36
    Accessible.role: Accessible.Button
    Accessible.name: text

    background: Rectangle {
        radius: 8
        color: button.checked ? Tokens.accent : button.pressed ? Tokens.pressed : Tokens.raised
        border.color: Tokens.line
    }
    contentItem: Label {
        id: words

        text: button.text
        color: button.checked ? Tokens.inkOnAccent : Tokens.ink
        font.pixelSize: 14
        horizontalAlignment: Text.AlignHCenter
        verticalAlignment: Text.AlignVCenter
        wrapMode: Text.NoWrap
        Accessible.ignored: true
    }
}
