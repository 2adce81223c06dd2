pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string purpose

    title: qsTr("Your palm is frozen")
    text: (purpose === "pay" ? qsTr("Nothing was charged.") + " " : "") + qsTr("You have frozen it on your pages on the web. You can use it again as soon as you say so there.")
    panelShare: wide ? 0.46 : 0.54
    drawing: Padlock {}

    actions: PrimaryButton {
        text: screen.purpose === "pay" ? qsTr("Pay another way") : qsTr("Go on without")
        onClicked: screen.answer("another_way")
    }
}
