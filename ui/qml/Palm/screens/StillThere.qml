import QtQuick
import QtQuick.Layouts
import Palm

// The warning over a screen. A touch anywhere means STAY.
FocusScope {
    id: warning

    required property int seconds
    required property real of
    required property string loss
    required property bool paying

    // What is lost, in one sentence; for a sale, also that nothing is charged.
    readonly property string words: {
        switch (loss) {
        case "entries":
            return qsTr("Otherwise we stop here, and nothing you entered is kept.");
        case "second_palm":
            return qsTr("You are signed up. Otherwise we finish here, with one palm.");
        case "deletion":
            return qsTr("Otherwise we stop here, and nothing is deleted.");
        default:
            return paying ? qsTr("Otherwise we stop here.") : qsTr("Otherwise we go back to the start.");
        }
    }

    signal answered(string choice)

    anchors.fill: parent
    Accessible.role: Accessible.AlertMessage
    Accessible.name: title.text
    Component.onCompleted: {
        Accessible.announce(title.text, Accessible.Assertive);
        stay.forceActiveFocus();
    }

    function answer(choice: string): void {
        if (visible) {
            visible = false;
            answered(choice);
        }
    }

    Rectangle {
        anchors.fill: parent
        color: Tokens.overlay
    }
    MouseArea {
        anchors.fill: parent
        onPressed: warning.answer("stay")
        Accessible.ignored: true
    }
    Rectangle {
        anchors.centerIn: parent
        width: Math.min(parent.width - 2 * Tokens.margin, 920)
        height: inside.implicitHeight + 2 * Tokens.margin
        radius: 2 * Tokens.radius
        color: Tokens.ground

        ColumnLayout {
            id: inside

            anchors.left: parent.left
            anchors.right: parent.right
            anchors.top: parent.top
            anchors.margins: Tokens.margin
            spacing: Tokens.gap

            Item {
                Layout.alignment: Qt.AlignHCenter
                implicitWidth: 200
                implicitHeight: 200

                Ring {
                    anchors.fill: parent
                    progress: warning.seconds / warning.of
                    colour: Tokens.accent
                    track: Tokens.panel
                }
                Title {
                    anchors.centerIn: parent
                    text: warning.seconds
                    Accessible.ignored: true
                }
            }
            Title {
                id: title

                Layout.fillWidth: true
                horizontalAlignment: Text.AlignHCenter
                text: qsTr("Are you still there?")
            }
            Label {
                Layout.fillWidth: true
                horizontalAlignment: Text.AlignHCenter
                color: Tokens.inkSoft
                text: warning.paying ? warning.words + " " + qsTr("Nothing is charged.") : warning.words
            }
            RowLayout {
                Layout.fillWidth: true
                Layout.topMargin: Tokens.gap
                Layout.preferredHeight: Tokens.key
                spacing: Tokens.gap
                uniformCellSizes: true

                SecondaryButton {
                    text: qsTr("Leave now")
                    // The warning may disappear before the finger is lifted, because a touch shows
                    // that somebody is there. The key Return presses nothing.
                    onPressed: warning.answer("leave")
                    onClicked: warning.answer("leave")
                }
                PrimaryButton {
                    id: stay

                    text: qsTr("Stay here")
                    onClicked: warning.answer("stay")
                }
            }
        }
    }
}
