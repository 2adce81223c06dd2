pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property string ending

    title: qsTr("Your membership card is linked")
    text: qsTr("%1 sees it when you use your palm there.").arg(merchant)
    panelShare: wide ? 0.4 : 0.34
    drawing: Check {}

    Fact {
        width: parent.width
        sign: "star"
        text: qsTr("Number ending in %1").arg(screen.ending)
    }
    Tile {
        width: parent.width
        enabled: !screen.spent
        sign: "card"
        text: qsTr("Use another card")
        onClicked: screen.answer("add")
    }
    Tile {
        width: parent.width
        enabled: !screen.spent
        sign: "trash"
        text: qsTr("Remove this card")
        onClicked: screen.answer("delete")
    }

    actions: PrimaryButton {
        text: qsTr("Keep this card")
        onClicked: screen.answer("done")
    }
}
