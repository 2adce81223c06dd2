pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property var amount

    showsBill: true
    title: qsTr("This cannot be paid by palm")
    text: qsTr("%1 to %2 was not paid, and nothing was charged. It is not because of you or your card.").arg(amount.text).arg(merchant)
    panelShare: wide ? 0.46 : 0.54
    drawing: CardOrCash {}

    actions: [
        SecondaryButton {
            text: qsTr("Help")
            onClicked: screen.answer("help")
        },
        PrimaryButton {
            text: qsTr("Pay another way")
            onClicked: screen.answer("another_way")
        }
    ]
}
