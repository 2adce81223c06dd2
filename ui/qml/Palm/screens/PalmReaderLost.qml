pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property var amount

    showsBill: true
    title: qsTr("The palm reader is not working")
    text: qsTr("Nothing was charged. You can pay with your card here.")
    help: true
    panelShare: wide ? 0.42 : 0.46
    drawing: CameraBroken {}

    Amount {
        width: parent.width
        money: screen.amount
    }
    Label {
        width: parent.width
        text: qsTr("to %1").arg(screen.merchant)
        color: Tokens.inkSoft
        maximumLineCount: 2
        elide: Text.ElideRight
    }

    actions: [
        SecondaryButton {
            text: qsTr("Try again")
            onClicked: screen.answer("try_again")
        },
        PrimaryButton {
            text: qsTr("Pay by card")
            onClicked: screen.answer("another_way")
        }
    ]
}
