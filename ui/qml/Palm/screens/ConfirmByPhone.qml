pragma ComponentBehavior: Bound
import QtQuick
import Palm

ScreenFrame {
    id: screen

    required property string merchant
    required property var amount
    required property var card
    required property var code

    title: qsTr("Your bank asks you to confirm")
    text: qsTr("Point your phone's camera at the code and confirm the payment of %1 to %2. This screen goes on by itself. Nothing is charged before you do.").arg(amount.text).arg(merchant)
    panelShare: wide ? 0.46 : 0.54
    drawing: square

    Component {
        id: square

        QrImage {
            rows: screen.code.rows
        }
    }

    CardChip {
        card: screen.card
    }
    BusyDots {}

    actions: [
        SecondaryButton {
            text: qsTr("Pay another way")
            onClicked: screen.answer("another_way")
        }
    ]
}
