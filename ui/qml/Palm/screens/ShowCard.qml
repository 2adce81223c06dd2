pragma ComponentBehavior: Bound
import QtQuick
import Palm

ScreenFrame {
    id: screen

    required property var card
    required property bool is_first
    required property bool is_only

    title: qsTr("What about this card?")
    text: is_only ? qsTr("It is your only card, so it stays as long as you are signed up. You can add another one, or delete all your data.") : is_first ? qsTr("It pays, unless you choose another one at the till. When it is removed, the payment provider forgets it, and the next one pays.") : qsTr("You can choose it at the till. When it is removed, the payment provider forgets it.")
    back: true

    CardChip {
        card: screen.card
    }

    actions: [
        HoldButton {
            visible: !screen.is_only
            text: qsTr("Hold to remove")
            onHeld: screen.answer("delete")
        },
        PrimaryButton {
            visible: !screen.is_first
            text: qsTr("Let it pay first")
            onClicked: screen.answer("use_first")
        }
    ]
}
