pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string name_hint
    required property var born_by_18
    required property var born_by_21

    title: qsTr("Staff: what does the document say?")
    text: name_hint === "" ? qsTr("Compare the picture in it with the shopper.") : qsTr("Signed up as %1: compare the picture in the document with the shopper.").arg(name_hint)
    panelShare: wide ? 0.3 : 0.24
    drawing: Staff {}

    function born(by: date): string {
        return qsTr("Born on %1 or before").arg(by.toLocaleDateString(Qt.locale(), "d MMMM yyyy"));
    }

    Tile {
        width: parent.width
        enabled: !screen.spent
        sign: "check"
        text: qsTr("Over 21")
        detail: screen.born(screen.born_by_21)
        onClicked: screen.answer("over_21")
    }
    Tile {
        width: parent.width
        enabled: !screen.spent
        sign: "check"
        text: qsTr("Over 18")
        detail: screen.born(screen.born_by_18)
        onClicked: screen.answer("over_18")
    }

    actions: SecondaryButton {
        text: qsTr("Neither, or no document")
        onClicked: screen.answer("cancel")
    }
}
