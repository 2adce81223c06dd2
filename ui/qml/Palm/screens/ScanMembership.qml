pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.live

// The live view, to which a shopper shows the code of a membership card, on the card or on a phone.
ScreenFrame {
    id: screen

    required property string merchant
    required property var problem

    title: qsTr("Show the code of your membership card")
    text: qsTr("It is kept with your palm until you remove it. Only %1 sees it.").arg(merchant)
    alert: problem === "payment_card" ? qsTr("That is a payment card. Please show your membership card.") : problem ? qsTr("That code is of no use here. Please show another one.") : ""
    back: true
    panelShare: wide ? 0.46 : 0.5
    drawing: Item {
        id: window

        LiveView {
            id: view

            anchors.fill: parent
            frames: screen.frames
            visible: live
        }
        Label {
            anchors.centerIn: parent
            visible: !view.live
            text: qsTr("No picture")
            color: Tokens.inkSoft
        }
        // Where the card is held.
        Rectangle {
            anchors.centerIn: parent
            width: Math.min(parent.width, 1.6 * parent.height) * 0.8
            height: width / 1.6
            radius: Tokens.radius
            color: "transparent"
            border.color: Tokens.overlayAccent
            border.width: 8
            visible: view.live
            Accessible.ignored: true
        }
    }

    actions: SecondaryButton {
        text: qsTr("Type the number")
        onClicked: screen.answer("use_number")
    }
}
