pragma ComponentBehavior: Bound
import QtQuick

// One box for each expected digit; hidden digits are shown as dots.
Row {
    id: boxes

    property string typed: ""
    required property int digits
    property bool hidden: false
    property bool wrong: false
    readonly property real boxWidth: Math.min(156, (width - (digits - 1) * Tokens.tight) / digits)

    spacing: Tokens.tight
    height: 148
    LayoutMirroring.enabled: false
    Accessible.role: Accessible.EditableText
    Accessible.name: qsTr("%1 of %2 digits typed").arg(typed.length).arg(digits)

    Repeater {
        model: boxes.digits

        Rectangle {
            id: box

            required property int index
            readonly property bool next: index === boxes.typed.length
            readonly property bool full: index < boxes.typed.length

            width: boxes.boxWidth
            height: boxes.height
            radius: Tokens.radius * 0.7
            color: Tokens.raised
            border.color: boxes.wrong ? Tokens.danger : next ? Tokens.accent : Tokens.line
            border.width: next || boxes.wrong ? 6 : Tokens.stroke

            Label {
                anchors.centerIn: parent
                visible: box.full && !boxes.hidden
                text: boxes.typed.charAt(box.index)
                font.pixelSize: Tokens.title
                font.weight: Font.DemiBold
                lineHeight: 1
                Accessible.ignored: true
            }
            Rectangle {
                anchors.centerIn: parent
                visible: box.full && boxes.hidden
                width: 32
                height: 32
                radius: 16
                color: Tokens.ink
            }
        }
    }
}
