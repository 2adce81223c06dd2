pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property bool told

    title: told ? qsTr("The till has been told") : qsTr("Please go to the till")
    text: told ? qsTr("It shows that somebody needs help here. Please wait, or go there if nobody comes.") : qsTr("No till could be told from here. Please ask somebody who works here.")
    panelShare: wide ? 0.46 : 0.54
    drawing: Staff {}

    actions: PrimaryButton {
        text: qsTr("Finish")
        onClicked: screen.answer("done")
    }
}
