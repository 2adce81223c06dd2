pragma ComponentBehavior: Bound
import QtQuick

// Shows how far the sign-up has come.
Row {
    id: steps

    required property int step
    readonly property int all: 5

    spacing: 12
    Accessible.role: Accessible.ProgressBar
    Accessible.name: qsTr("Step %1 of %2").arg(step).arg(all)

    Repeater {
        model: steps.all

        Rectangle {
            required property int index

            width: index + 1 === steps.step ? 72 : 32
            height: 16
            radius: 8
            color: index < steps.step ? Tokens.accent : "transparent"
            border.color: index < steps.step ? Tokens.accent : Tokens.line
            border.width: 3
        }
    }
}
