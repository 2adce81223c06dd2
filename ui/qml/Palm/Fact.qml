import QtQuick

// One line of a list: a sign, a text and a detail.
Item {
    id: fact

    required property string sign
    required property string text
    property string detail: ""
    property color colour: Tokens.accent
    // A text that is too long ends with an ellipsis.
    property int lines: 4

    implicitHeight: Math.max(64, words.implicitHeight)

    Icon {
        id: icon

        anchors.left: parent.left
        y: 4
        width: 56
        height: 56
        name: fact.sign
        colour: fact.colour
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
            text: fact.text
            font.weight: Font.DemiBold
            maximumLineCount: fact.lines
            elide: Text.ElideRight
        }
        Label {
            width: parent.width
            visible: text !== ""
            text: fact.detail
            color: Tokens.inkSoft
            font.pixelSize: Tokens.small + 2
        }
    }
}
