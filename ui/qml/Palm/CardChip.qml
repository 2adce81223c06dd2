import QtQuick

// A card: its brand and last four digits.
Rectangle {
    id: chip

    required property var card
    readonly property string text: card ? (card.expired ? qsTr("%1 ending in %2, expired") : qsTr("%1 ending in %2")).arg(Brands.nameOf(card.brand)).arg(card.last4) : ""

    implicitWidth: row.implicitWidth + 2 * Tokens.gap
    implicitHeight: 96
    radius: Tokens.radius
    color: Tokens.raised
    border.color: Tokens.line
    border.width: 2

    Row {
        id: row

        anchors.centerIn: parent
        spacing: Tokens.tight

        Icon {
            anchors.verticalCenter: parent.verticalCenter
            width: 56
            height: 56
            name: "card"
            colour: Tokens.accent
        }
        Label {
            anchors.verticalCenter: parent.verticalCenter
            text: chip.text
            font.weight: Font.DemiBold
        }
    }
}
