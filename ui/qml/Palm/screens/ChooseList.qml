pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import Palm

// Staff choose the check-in list of pretix by which this gate lets people in.
ScreenFrame {
    id: screen

    required property string device
    required property string gate
    required property var lists
    required property var problem
    required property var cause

    title: qsTr("Which list does this gate let in?")
    text: gate === "" ? qsTr("In pretix, this kiosk is %1, at no gate.").arg(device) : qsTr("In pretix, this kiosk is %1, at %2.").arg(device).arg(gate)
    alert: problem ? VenueFaults.words(problem, cause) : ""
    back: true

    // The list can be scrolled when there are many.
    Flickable {
        width: parent.width
        height: Math.min(contentHeight, screen.contentRoom - y)
        visible: screen.lists.length > 0
        contentHeight: all.height
        interactive: contentHeight > height
        clip: interactive

        GridLayout {
            id: all

            width: parent.width
            columns: screen.wide && screen.lists.length > 2 ? 2 : 1
            columnSpacing: Tokens.gap
            rowSpacing: Tokens.tight
            uniformCellWidths: true

            Repeater {
                model: screen.lists.length

                SecondaryButton {
                    required property int index
                    readonly property var list: screen.lists[index]

                    Layout.fillHeight: false
                    Layout.preferredHeight: Tokens.key
                    enabled: !screen.spent
                    sign: list?.chosen ? "check" : ""
                    text: qsTr("%1: %2", "an event and one of its check-in lists").arg(list?.event ?? "").arg(list?.name ?? "")
                    onClicked: screen.enter(String(index + 1))
                }
            }
        }
    }

    actions: [
        SecondaryButton {
            text: qsTr("Sign on anew")
            onClicked: screen.answer("sign_on")
        },
        PrimaryButton {
            visible: screen.alert !== ""
            text: qsTr("Try again")
            onClicked: screen.answer("try_again")
        }
    ]
}
