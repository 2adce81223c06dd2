pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property var amount
    required property string name_hint

    showsBill: true
    title: qsTr("Staff: is it a bare hand?")
    text: qsTr("Look at the palm and at the back of the hand: no glove, no film, nothing printed or stuck on it.")
    panelShare: wide ? 0.3 : 0.24
    drawing: Staff {}

    Amount {
        width: parent.width
        money: screen.amount
    }
    Label {
        width: parent.width
        text: qsTr("Signed up as %1").arg(screen.name_hint)
        color: Tokens.inkSoft
        wrapMode: Text.Wrap
        maximumLineCount: 2
        elide: Text.ElideRight
    }

    actions: [
        SecondaryButton {
            text: qsTr("No, or not sure")
            onClicked: screen.answer("cancel")
        },
        PrimaryButton {
            sign: "check"
            text: qsTr("A bare hand")
            onClicked: screen.answer("confirm")
        }
    ]
}
