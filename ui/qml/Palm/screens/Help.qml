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
        detail: qsTr("Somebody comes to you here.")
        onClicked: screen.answer("call_staff")
    }
    Tile {
        width: parent.width
        enabled: !screen.spent
        sign: "card"
        text: screen.paying ? qsTr("Pay another way") : qsTr("Go on without a palm")
        detail: screen.paying ? qsTr("By card or cash, at the till.") : qsTr("Everything here can be done at the till too.")
        onClicked: screen.answer("another_way")
    }
    Fact {
        width: parent.width
        sign: "hand"
        text: qsTr("Holding your palm")
        detail: qsTr("Open hand, fingers up, a hand's length from the reader. Take off gloves.")
    }
}
