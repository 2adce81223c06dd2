import QtQuick

// A choice with a sign and a sentence, for screens whose choices are equally important.
Pressable {
    id: tile

    property string sign: ""
    property string detail: ""

    leftPadding: Tokens.gap
    rightPadding: Tokens.gap
    topPadding: Tokens.gap
    bottomPadding: Tokens.gap
    Accessible.description: detail

    background: Rectangle {
        radius: Tokens.radius
        color: tile.pressed ? Tokens.pressed : Tokens.raised
        border.color: Tokens.line
        border.width: Tokens.stroke
    }
    contentItem: Item {
        implicitHeight: Math.max(72, words.implicitHeight)

        Icon {
            id: icon

            anchors.left: parent.left
            anchors.verticalCenter: parent.verticalCenter
            width: 72
            height: 72
            name: tile.sign
            colour: Tokens.accent
        }
        Column {
            id: words

            anchors.left: icon.right
            anchors.leftMargin: Tokens.gap
            anchors.right: parent.right
            anchors.verticalCenter: parent.verticalCenter
            spacing: 4

            Label {
                width: parent.width
                text: tile.text
                font.pixelSize: Tokens.button
                font.weight: Font.DemiBold
                Accessible.ignored: true
            }
            Label {
                width: parent.width
                visible: text !== ""
                text: tile.detail
                color: Tokens.inkSoft
                font.pixelSize: Tokens.small + 2
                Accessible.ignored: true
            }
        }
    }
}
