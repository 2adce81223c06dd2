pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

// The gate lets nobody pass by their palm. The text is large, for people who are still walking.
ScreenFrame {
    id: screen

    required property string merchant
    required property string notice

    readonly property bool starting: notice === "starting"

    title: starting ? qsTr("One moment, please") : qsTr("Please use your card or ticket")
    text: {
        switch (notice) {
        case "starting":
            return qsTr("The palm reader is getting ready.");
        case "not_activated":
            return qsTr("This palm reader is not set up yet. Staff can do it in the staff area.");
        default:
            return qsTr("The palm reader is not working just now. If you have neither, please ask staff.");
        }
    }
    panelShare: wide ? 0.46 : 0.48
    footer: Tokens.target
    drawing: starting ? reader : card

    Component {
        id: reader

        PalmScan {}
    }
    Component {
        id: card

        CardTap {}
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
