pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property string receipt_id
    required property bool stays

    title: qsTr("Your palm is not used here any more")
    text: Receipt.words(receipt_id)
    panelShare: 0.3
    drawing: Check {}

    Fact {
        width: parent.width
        sign: "check"
        text: qsTr("%1 is told nothing about you").arg(screen.merchant)
        detail: qsTr("If you want to pay with your palm here again, you are asked first.")
    }
    Fact {
        width: parent.width
        sign: "lock"
        colour: Tokens.inkSoft
        text: qsTr("Your palm, number and card stay for other shops")
        detail: qsTr("What you have bought here stays with your account, so that it can be refunded.")
    }

    actions: [
        SecondaryButton {
            visible: !screen.stays
            text: qsTr("Keep this open")
            onClicked: screen.answer("stay")
        },
        PrimaryButton {
            text: qsTr("Finish")
            onClicked: screen.answer("done")
        }
    ]
}
