pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import Palm

ScreenFrame {
    id: screen

    required property var cards
    required property bool full

    title: qsTr("Your cards")
    text: cards.length === 1 ? qsTr("It pays for what you buy with your palm.") : qsTr("The first one pays, unless you choose another at the till. Tap a card to change that.")
    note: full ? qsTr("You cannot have more cards. To add another, remove one first.") : ""

    GridLayout {
        width: parent.width
        columns: screen.wide ? 2 : 1
        columnSpacing: Tokens.gap
        rowSpacing: Tokens.tight
        uniformCellWidths: true

        Repeater {
            model: screen.cards.length

            CardChoice {
                required property int index

                Layout.fillWidth: true
                enabled: !screen.spent
                card: screen.cards[index]
                chosen: index === 0 && screen.cards.length > 1
                Accessible.role: Accessible.Button
                onClicked: screen.enter(String(index + 1))
            }
        }
    }

    actions: [
        SecondaryButton {
            text: qsTr("Done")
            onClicked: screen.answer("done")
        },
        PrimaryButton {
            visible: !screen.full
            text: qsTr("Add a card")
            sign: "card"
            onClicked: screen.answer("add")
        }
    ]
}
