pragma ComponentBehavior: Bound
import QtQuick

// The lines of a sale in the till's words. Of the lines for which there is no room, only the number is
// shown.
Column {
    id: basket

    required property var items
    property var tip: null
    property int rows: 3

    readonly property int told: items.length <= rows ? items.length : Math.max(0, rows - 1)

    visible: items.length > 0 || tip !== null
    spacing: 4

    Repeater {
        model: basket.told

        Item {
            id: line

            required property int index
            readonly property var item: basket.items[index]

            width: basket.width
            height: price.implicitHeight

            Label {
                anchors.left: parent.left
                anchors.right: price.left
                anchors.rightMargin: Tokens.tight
                text: line.item.quantity === "" || line.item.quantity === "1" ? line.item.label : qsTr("%1 × %2").arg(line.item.quantity).arg(line.item.label)
                textFormat: Text.PlainText
                font.pixelSize: Tokens.small
                color: Tokens.inkSoft
                maximumLineCount: 1
                elide: Text.ElideRight
            }
            Label {
                id: price

                anchors.right: parent.right
                text: !line.item.amount ? "" : line.item.deducted ? qsTr("−%1").arg(line.item.amount.text) : line.item.amount.text
                font.pixelSize: Tokens.small
                font.features: {
                    "tnum": 1
                }
            }
        }
    }
    Label {
        visible: basket.tip !== null
        width: basket.width
        horizontalAlignment: Text.AlignRight
        text: qsTr("with a tip of %1").arg(basket.tip?.text ?? "")
        font.pixelSize: Tokens.small
    }
    Label {
        visible: basket.told < basket.items.length
        text: qsTr("and %n more", "", basket.items.length - basket.told)
        font.pixelSize: Tokens.small
        color: Tokens.inkSoft
    }
}
