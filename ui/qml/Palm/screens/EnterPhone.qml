pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.live

EntryFrame {
    id: screen

    required property string country
    required property string calling_code
    required property string purpose
    required property string typed
    required property var problem

    // For a payment, the palm proves whose number it is. Signing up and leaving need a code.
    readonly property bool sendsCode: purpose === "enrol" || purpose === "leave"

    title: purpose === "enrol" ? qsTr("Enter your mobile number") : qsTr("Enter the number you signed up with")
    text: sendsCode ? qsTr("We send a code to it, to check that it is yours.") : qsTr("Then we compare your palm with those signed up with this number.")
    alert: sentence(problem)
    back: true
    digits: typed
    longest: number.longest
    plus: true
    fullWords: qsTr("No number is longer than this. Please check it.")
    step: purpose === "enrol" ? 2 : 0

    function sentence(about: var): string {
        switch (about) {
        case "not_a_number":
            return qsTr("That is not a complete number. Please check it.");
        case "not_mobile":
            return qsTr("Messages cannot reach that number. Please enter a mobile number.");
        case "not_sent":
            return qsTr("We could not send the code. Please check the number, or try again.");
        case "locked":
            return qsTr("Too many codes were sent. Please try again later.");
        case "expired":
            return qsTr("That took too long. Please start again with your number.");
        default:
            return about ? qsTr("Please check the number.") : "";
        }
    }

    PhoneNumber {
        id: number

        country: screen.country
        digits: screen.digits
    }
    Rectangle {
        width: parent.width
        height: 136
        radius: Tokens.radius
        color: Tokens.raised
        border.color: screen.wrong ? Tokens.danger : Tokens.accent
        border.width: 6
        Accessible.role: Accessible.EditableText
        Accessible.name: qsTr("Mobile number: %1").arg(screen.digits)

        TextMetrics {
            id: wanted

            font.family: Tokens.family
            font.pixelSize: Tokens.title - 4
            font.weight: Font.DemiBold
            font.features: {
                "tnum": 1
            }
            text: (number.international ? "" : screen.calling_code) + number.grouped
        }
        Row {
            id: line

            // The digits become smaller where a long number needs it.
            readonly property real room: parent.width - 2 * Tokens.loose - 2 * Tokens.tight - 5
            readonly property int size: Math.floor(wanted.font.pixelSize * Math.min(1, room / Math.max(1, wanted.advanceWidth)))

            anchors.left: parent.left
            anchors.leftMargin: Tokens.loose
            anchors.verticalCenter: parent.verticalCenter
            spacing: Tokens.tight
            LayoutMirroring.enabled: false

            Label {
                visible: !number.international
                text: screen.calling_code
                color: Tokens.inkSoft
                font.pixelSize: line.size
                lineHeight: 1
                Accessible.ignored: true
            }
            Label {
                text: number.grouped
                font.pixelSize: line.size
                font.weight: Font.DemiBold
                font.features: {
                    "tnum": 1
                }
                lineHeight: 1
                Accessible.ignored: true
            }
            Rectangle {
                anchors.verticalCenter: parent.verticalCenter
                width: 5
                height: 72
                color: Tokens.accent
            }
        }
    }

    actions: PrimaryButton {
        text: screen.sendsCode ? qsTr("Send code") : qsTr("Use number")
        enabled: screen.digits.length > 3
        onClicked: screen.enter(screen.digits)
    }
}
