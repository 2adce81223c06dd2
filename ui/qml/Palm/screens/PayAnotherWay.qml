pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant

    title: qsTr("Please pay at the till")
    text: qsTr("Nothing was charged here. Please pay as you usually do at %1.").arg(merchant)
    panelShare: wide ? 0.46 : 0.54
    drawing: CardOrCash {}

    actions: PrimaryButton {
        text: qsTr("Finish")
        onClicked: screen.answer("done")
    }
}
