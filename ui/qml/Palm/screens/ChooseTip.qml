pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import Palm

ScreenFrame {
    id: screen

    required property string merchant
    required property var amount
    required property var tips

    title: qsTr("Would you like to add a tip?")
    text: qsTr("%1 to %2, before a tip.").arg(amount.text).arg(merchant)

    GridLayout {
        width: parent.width
        columns: screen.wide ? screen.tips.length : 1
        columnSpacing: Tokens.gap
        rowSpacing: Tokens.tight
        uniformCellWidths: true

        Repeater {
            model: screen.tips.length

            SecondaryButton {
                required property int index

                Layout.fillHeight: false
                Layout.preferredHeight: Tokens.key
                enabled: !screen.spent
                text: screen.tips[index].text
                onClicked: screen.enter(String(index + 1))
            }
        }
    }

    actions: [
        SecondaryButton {
            text: qsTr("Cancel payment")
            onClicked: screen.answer("cancel")
        },
        PrimaryButton {
            text: qsTr("No tip")
            onClicked: screen.answer("skip")
        }
    ]
}
