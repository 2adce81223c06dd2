pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property bool paying

    title: qsTr("How can we help?")
    back: true
    panelShare: wide ? 0.4 : 0.34
    drawing: Staff {}

    Tile {
        width: parent.width
        enabled: !screen.spent
        sign: "person"
        text: qsTr("Call staff")
        detail: qsTr("We tell the till that you need help here.")
        onClicked: screen.answer("call_staff")
    }
    Tile {
        width: parent.width
        enabled: !screen.spent
        sign: "card"
        text: screen.paying ? qsTr("Pay another way") : qsTr("Stop here")
        detail: screen.paying ? qsTr("At the till, without your palm.") : qsTr("You can always pay without your palm.")
        onClicked: screen.answer("another_way")
    }
    Fact {
        width: parent.width
        sign: "hand"
        text: qsTr("Holding your palm")
        detail: qsTr("Open hand, fingers up, a hand's length from the reader. Take off gloves.")
    }
}
