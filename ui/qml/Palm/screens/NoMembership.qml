pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property bool paying

    title: qsTr("No membership card is linked")
    text: paying ? qsTr("%1 asks for one with this purchase. Nothing was charged. Please go on at the till.").arg(merchant) : qsTr("%1 asks for one. Please go on at the till.").arg(merchant)
    panelShare: wide ? 0.46 : 0.54
    drawing: ReceiptWaiting {}

    actions: PrimaryButton {
        text: qsTr("Finish")
        onClicked: screen.answer("done")
    }
}
