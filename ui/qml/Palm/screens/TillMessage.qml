pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

// A message of the till in its own words. A code is as large as there is room.
ScreenFrame {
    id: screen

    required property string merchant
    required property var lines
    required property var code
    required property var receipt

    readonly property bool coded: code !== null && code !== undefined
    readonly property real below: (coded ? hint.height + Tokens.gap : 0) + (note.visible ? note.height + Tokens.gap : 0)

    text: qsTr("%1 says:").arg(merchant)
    panelShare: coded || wide ? 0.5 : 0.3
    drawing: coded ? picture : sign
    Accessible.name: lines.join("\n")
    onLinesChanged: Accessible.announce(lines.join("\n"))

    Component {
        id: picture

        QrImage {
            rows: screen.coded ? screen.code.rows : []
        }
    }
    Component {
        id: sign

        ReceiptWaiting {}
    }

    Title {
        width: parent.width
        height: Math.min(implicitHeight, screen.contentRoom - screen.below)
        text: screen.lines.join("\n")
        font.pixelSize: screen.lines.length > 3 ? Tokens.body : Tokens.heading
        font.letterSpacing: 0
        lineHeight: 1.2
        elide: Text.ElideRight
    }
    Label {
        id: hint

        width: parent.width
        visible: screen.coded
        text: qsTr("Read the code with your phone's camera to keep it.")
        color: Tokens.inkSoft
    }
    ReceiptNote {
        id: note

        width: parent.width
        receipt: screen.receipt
    }

    actions: [
        SecondaryButton {
            visible: screen.receipt === true
            text: qsTr("No message")
            onClicked: screen.answer("skip")
        },
        PrimaryButton {
            text: qsTr("Finish")
            onClicked: screen.answer("done")
        }
    ]
}
