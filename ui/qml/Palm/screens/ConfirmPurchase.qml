pragma ComponentBehavior: Bound
import QtQuick
import Palm

ScreenFrame {
    id: screen

    required property string merchant
    required property var amount
    required property string name_hint
    required property var card

    title: name_hint === "" ? qsTr("Is this right?") : qsTr("Is this right, %1?").arg(name_hint)
    text: qsTr("It is paid with this card:")
    panelShare: wide ? 0.46 : 0.54
    drawing: Item {
        Column {
            anchors.verticalCenter: parent.verticalCenter
            width: parent.width
            spacing: Tokens.tight

            Label {
                width: parent.width
                horizontalAlignment: Text.AlignHCenter
                text: screen.merchant
                font.pixelSize: Tokens.heading
                color: Tokens.inkSoft
                maximumLineCount: 3
                elide: Text.ElideRight
            }
            Amount {
                width: parent.width
                horizontalAlignment: Text.AlignHCenter
                font.pixelSize: Tokens.amount + 24
                money: screen.amount
            }
        }
    }

    CardChip {
        card: screen.card
    }

    actions: [
        SecondaryButton {
            text: qsTr("Cancel payment")
            onClicked: screen.answer("cancel")
        },
        PrimaryButton {
            text: qsTr("Pay %1").arg(screen.amount.text)
            onClicked: screen.answer("confirm")
        }
    ]
}
