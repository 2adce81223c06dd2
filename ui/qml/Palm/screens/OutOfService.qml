pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

// Only staff can use the kiosk until it is activated again. The screen tells shoppers what to do
// instead, and staff whom to call.
ScreenFrame {
    id: screen

    required property string merchant
    required property string helpline
    required property bool gate

    title: gate ? qsTr("Please use your card or ticket") : qsTr("This kiosk is out of service")
    text: gate ? qsTr("The palm reader is out of service. If you have neither, please ask staff.") : qsTr("Please pay another way. If you were paying just now, please ask at the till first.")
    panelShare: wide ? 0.46 : 0.48
    footer: Tokens.target
    drawing: Padlock {}

    Item {
        width: 1
        height: Tokens.tight
    }
    Label {
        width: parent.width
        text: screen.helpline ? qsTr("Staff, please call") : qsTr("Staff, please open the staff area.")
        color: Tokens.inkSoft
    }
    Label {
        width: parent.width
        visible: screen.helpline !== ""
        text: screen.helpline
        font.pixelSize: Tokens.heading
        font.weight: Font.DemiBold
        wrapMode: Text.Wrap
    }
    Label {
        parent: screen.panelItem
        anchors.left: parent.left
        anchors.top: parent.top
        anchors.margins: Tokens.margin
        anchors.right: parent.right
        anchors.rightMargin: Tokens.margin
        text: screen.merchant
        font.pixelSize: Tokens.button
        font.weight: Font.DemiBold
        elide: Text.ElideRight
        maximumLineCount: 2
    }
    QuietButton {
        parent: screen
        anchors.right: parent.right
        anchors.bottom: parent.bottom
        anchors.margins: Tokens.gap
        enabled: !screen.spent
        colour: Tokens.inkSoft
        sign: "lock"
        text: qsTr("Staff")
        onClicked: screen.answer("staff")
    }
}
