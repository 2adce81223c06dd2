pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property int over

    title: qsTr("Nothing was charged")
    text: qsTr("Staff at %1 have not seen that you are over %2. Please go on at the till.").arg(merchant).arg(over)
    panelShare: wide ? 0.46 : 0.54
    drawing: ReceiptWaiting {}

    actions: PrimaryButton {
        text: qsTr("Finish")
        onClicked: screen.answer("done")
    }
}
