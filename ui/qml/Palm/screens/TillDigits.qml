pragma ComponentBehavior: Bound
import QtQuick
import Palm

EntryFrame {
    id: screen

    required property string merchant
    required property var lines
    required property int least
    required property int most
    required property bool hidden

    text: qsTr("%1 asks:").arg(merchant)
    longest: most
    fullWords: qsTr("No more digits are asked for.")
    Accessible.name: lines.join("\n")

    Title {
        width: parent.width
        text: screen.lines.join("\n")
        font.pixelSize: screen.lines.length > 2 ? Tokens.body : Tokens.heading
        lineHeight: 1.2
        maximumLineCount: 5
        elide: Text.ElideRight
    }
    Rectangle {
        width: parent.width
        height: 136
        radius: Tokens.radius
        color: Tokens.raised
        border.color: Tokens.accent
        border.width: 6
        Accessible.role: Accessible.EditableText
        Accessible.name: qsTr("%n digits typed", "", screen.digits.length)

        Label {
            anchors.fill: parent
            anchors.leftMargin: Tokens.loose
            anchors.rightMargin: Tokens.loose
            verticalAlignment: Text.AlignVCenter
            text: screen.hidden ? "●".repeat(screen.digits.length) : screen.digits
            font.pixelSize: Tokens.title - 4
            font.weight: Font.DemiBold
            fontSizeMode: Text.HorizontalFit
            minimumPixelSize: Tokens.small
            wrapMode: Text.NoWrap
            lineHeight: 1
            LayoutMirroring.enabled: false
            Accessible.ignored: true
        }
    }

    actions: [
        SecondaryButton {
            text: qsTr("Skip this")
            onClicked: screen.answer("cancel")
        },
        PrimaryButton {
            text: qsTr("Go on")
            enabled: screen.digits.length >= screen.least
            onClicked: screen.enter(screen.digits)
        }
    ]
}
