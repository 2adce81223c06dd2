pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property string name_hint

    title: name_hint === "" ? qsTr("We know your palm") : qsTr("Hello, %1").arg(name_hint)
    text: qsTr("One moment, please: the till at %1 goes on. Nothing has been charged.").arg(merchant)
    panelShare: wide ? 0.46 : 0.54
    drawing: Check {}

    BusyDots {}

    actions: SecondaryButton {
        text: qsTr("Stop here")
        onClicked: screen.answer("cancel")
    }
}
