pragma ComponentBehavior: Bound
import QtQuick
import Palm

EntryFrame {
    id: screen

    required property string merchant
    required property var problem

    title: qsTr("Enter the number of your membership card")
    text: qsTr("It is kept with your palm until you remove it. Only %1 sees it.").arg(merchant)
    alert: problem === "payment_card" ? qsTr("That is a payment card. Please enter your membership number.") : problem ? qsTr("That is no membership number. Please check it.") : ""
    back: true
    longest: 24
    fullWords: qsTr("No number is longer than this. Please check it.")

    Rectangle {
        width: parent.width
        height: 136
        radius: Tokens.radius
        color: Tokens.raised
        border.color: screen.wrong ? Tokens.danger : Tokens.accent
        border.width: 6
        Accessible.role: Accessible.EditableText
        Accessible.name: qsTr("Membership number: %1").arg(screen.digits)

        Label {
            anchors.fill: parent
            anchors.leftMargin: Tokens.loose
            anchors.rightMargin: Tokens.loose
            verticalAlignment: Text.AlignVCenter
            text: screen.digits
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
