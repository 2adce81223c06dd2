pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    title: qsTr("Somebody is on the way")
    text: qsTr("Please wait here. It will not take long.")
    panelShare: wide ? 0.46 : 0.54
    drawing: Staff {}

    actions: PrimaryButton {
        text: qsTr("Finish")
        onClicked: screen.answer("done")
    }
}
