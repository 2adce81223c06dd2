pragma ComponentBehavior: Bound
import QtQuick
import Palm

ScreenFrame {
    id: screen

    required property string country
    required property string calling_code
    required property string purpose
    required property string typed
    required property var problem
    property string digits: typed
    readonly property bool foreign: digits.startsWith("+")

    title: purpose === "enrol" ? qsTr("Enter your mobile number") : qsTr("Enter the number you signed up with")
    text: qsTr("We send a code to it, to check that it is yours.")
    alert: sentence(problem)
    back: true
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

    function grouped(number: string): string {
        return number.replace(/^(\d{3})(\d{1,3})(\d*)$/, "$1 $2 $3").trim();
    }

    Rectangle {
        width: parent.width
        height: 136
        radius: Tokens.radius
        color: Tokens.raised
        border.color: screen.problem ? Tokens.danger : Tokens.accent
        border.width: 6
        Accessible.role: Accessible.EditableText
        Accessible.name: qsTr("Mobile number: %1").arg(screen.digits)

        Row {
            anchors.left: parent.left
            anchors.leftMargin: Tokens.loose
            anchors.verticalCenter: parent.verticalCenter
            spacing: Tokens.tight
            LayoutMirroring.enabled: false

            Label {
                visible: !screen.foreign
                text: screen.calling_code
                color: Tokens.inkSoft
                font.pixelSize: Tokens.title - 4
                lineHeight: 1
                Accessible.ignored: true
            }
            Label {
                text: screen.grouped(screen.digits)
                font.pixelSize: Tokens.title - 4
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

    pad: NumberPad {
        plus: true
        typed: screen.digits
        enabled: !screen.spent
        onEdited: text => screen.digits = text
    }
    actions: PrimaryButton {
        text: qsTr("Send code")
        enabled: screen.digits.length > 3
        onClicked: screen.enter(screen.digits)
    }
}
