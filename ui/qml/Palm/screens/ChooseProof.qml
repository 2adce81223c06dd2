pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    title: qsTr("Show that it is you")
    text: qsTr("Then you see all we keep about you, and can delete it.")
    back: true
    panelShare: wide ? 0.4 : 0.36
    drawing: Trash {}

    Tile {
        width: parent.width
        enabled: !screen.spent
        sign: "hand"
        text: qsTr("Use my palm")
        detail: qsTr("Hold it to the reader once more.")
        onClicked: screen.answer("use_palm")
    }
    Tile {
        width: parent.width
        enabled: !screen.spent
        sign: "phone"
        text: qsTr("Use my number")
        detail: qsTr("We send a code to your mobile.")
        onClicked: screen.answer("use_number")
    }
}
