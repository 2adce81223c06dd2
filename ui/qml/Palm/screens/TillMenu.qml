pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import Palm

ScreenFrame {
    id: screen

    required property string merchant
    required property var lines
    required property var entries

    text: qsTr("%1 asks:").arg(merchant)
    Accessible.name: lines.join("\n")

    Title {
        width: parent.width
        text: screen.lines.join("\n")
        font.pixelSize: screen.lines.length > 2 ? Tokens.body : Tokens.heading
        lineHeight: 1.2
        maximumLineCount: 3
        elide: Text.ElideRight
    }
    GridLayout {
        width: parent.width
        columns: screen.wide && screen.entries.length > 2 ? 2 : 1
        columnSpacing: Tokens.gap
        rowSpacing: Tokens.tight
        uniformCellWidths: true

        Repeater {
            model: screen.entries.length

            SecondaryButton {
                required property int index

                Layout.fillHeight: false
                Layout.preferredHeight: Tokens.key
                enabled: !screen.spent
                text: screen.entries[index]
                onClicked: screen.enter(String(index + 1))
            }
        }
    }

    actions: SecondaryButton {
        text: qsTr("None of these")
        onClicked: screen.answer("cancel")
    }
}
