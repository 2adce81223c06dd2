import QtQuick

// One card of several: its brand and last four digits, and whether it has expired.
Pressable {
    id: choice

    required property var card
    property bool chosen: false

    leftPadding: Tokens.gap
    rightPadding: Tokens.tight
    text: card ? qsTr("%1 %2", "brand and last four digits").arg(Brands.shortNameOf(card.brand)).arg(card.last4) : ""
    Accessible.role: Accessible.RadioButton
    Accessible.checked: chosen
    Accessible.description: detail.text

    background: Rectangle {
        radius: Tokens.radius
        color: choice.pressed ? Tokens.pressed : choice.chosen ? Tokens.panel : Tokens.raised
        border.color: choice.chosen ? Tokens.accent : Tokens.line
        border.width: choice.chosen ? 2 * Tokens.stroke : Tokens.stroke
    }
    contentItem: Item {
        implicitWidth: icon.width + Tokens.tight + Math.max(name.implicitWidth, detail.implicitWidth)
        implicitHeight: words.implicitHeight

        Icon {
            id: icon

            anchors.left: parent.left
            anchors.verticalCenter: parent.verticalCenter
            width: 48
            height: 48
            name: choice.chosen ? "check" : "card"
            colour: Tokens.accent
        }
        Column {
            id: words

            anchors.left: icon.right
            anchors.leftMargin: Tokens.tight
            anchors.right: parent.right
            anchors.verticalCenter: parent.verticalCenter

            Label {
                id: name

                width: parent.width
                text: choice.text
                font.weight: Font.DemiBold
                Accessible.ignored: true
            }
            Label {
                id: detail

                width: parent.width
                visible: text !== ""
                text: choice.card?.expired ? qsTr("Expired") : ""
                color: Tokens.inkSoft
                font.pixelSize: Tokens.small
                Accessible.ignored: true
            }
        }
    }
}
