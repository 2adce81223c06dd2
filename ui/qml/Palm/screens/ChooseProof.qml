pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property bool reads_palms

    title: qsTr("Show that it is you")
    text: qsTr("Then you see all we keep about you, and can delete it.")
    alert: reads_palms ? "" : qsTr("The palm reader is not working. Please use your number.")
    back: true
    panelShare: wide ? 0.4 : 0.36
    drawing: Trash {}

    Tile {
        width: parent.width
        enabled: !screen.spent && screen.reads_palms
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
