pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property int others

    title: qsTr("What do you want to end?")
    text: screen.others === 1 ? qsTr("You use your palm at %1, and at 1 other shop.").arg(screen.merchant) : qsTr("You use your palm at %1, and at %n other shops.", "", screen.others).arg(screen.merchant)
    panelShare: wide ? 0.34 : 0.26
    drawing: Trash {}

    Tile {
        width: parent.width
        enabled: !screen.spent
        sign: "hand"
        text: qsTr("Only here")
        detail: qsTr("This shop is told nothing about you any more, and a membership here is removed. Your palm, number and card stay for the others.")
        onClicked: screen.answer("leave")
    }
    Tile {
        width: parent.width
        enabled: !screen.spent
        sign: "person"
        text: qsTr("Everything, everywhere")
        detail: qsTr("You see all we keep about you first.")
        onClicked: screen.answer("delete")
    }

    actions: SecondaryButton {
        text: qsTr("Keep my data")
        onClicked: screen.answer("back")
    }
}
