pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property var lines

    text: qsTr("%1 asks:").arg(merchant)
    panelShare: wide ? 0.4 : 0.3
    drawing: ReceiptWaiting {}
    Accessible.name: lines.join("\n")

    Title {
        width: parent.width
        height: Math.min(implicitHeight, screen.contentRoom)
        text: screen.lines.join("\n")
        font.pixelSize: screen.lines.length > 3 ? Tokens.body : Tokens.heading
        font.letterSpacing: 0
        lineHeight: 1.2
        elide: Text.ElideRight
    }

    actions: [
        SecondaryButton {
            text: qsTr("No")
            onClicked: screen.answer("cancel")
        },
        PrimaryButton {
            text: qsTr("Yes")
            onClicked: screen.answer("confirm")
        }
    ]
}
