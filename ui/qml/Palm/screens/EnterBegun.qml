pragma ComponentBehavior: Bound
import QtQuick
import Palm

EntryFrame {
    id: screen

    required property var problem

    title: qsTr("Enter the code on your phone")
    text: qsTr("The twelve digits on the page where you began.")
    alert: problem ? qsTr("The code has twelve digits. Please check it.") : ""
    back: true
    step: 1
    longest: 12

    Rectangle {
        width: parent.width
        height: 136
        radius: Tokens.radius
        color: Tokens.raised
        border.color: screen.wrong ? Tokens.danger : Tokens.accent
        border.width: 6
        Accessible.role: Accessible.EditableText
        Accessible.name: qsTr("Code: %1").arg(screen.digits)

        Label {
            anchors.fill: parent
            anchors.leftMargin: Tokens.loose
            anchors.rightMargin: Tokens.loose
            verticalAlignment: Text.AlignVCenter
            text: screen.digits.replace(/(.{4})(?=.)/g, "$1 ")
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

    actions: PrimaryButton {
        text: qsTr("Go on")
        enabled: screen.digits.length > 0
        onClicked: screen.enter(screen.digits)
    }
}
