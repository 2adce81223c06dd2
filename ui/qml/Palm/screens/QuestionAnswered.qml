pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property string heard

    readonly property var words: {
        "agreed": [qsTr("You have agreed"), qsTr("%1 is told so, with the number of your membership card there if your palm has one, and nothing else.")],
        "identified": [qsTr("Thank you"), qsTr("%1 is told the number of your membership card there if your palm has one, and nothing else.")],
        "declined": [qsTr("You have said no"), qsTr("%1 is told so, and not who you are.")],
        "not_recognised": [qsTr("No answer"), qsTr("Your palm was not recognised, or somebody else is meant. %1 is not told who you are.")]
    }
    readonly property bool taken: heard === "agreed" || heard === "identified"

    title: words[heard][0]
    text: words[heard][1].arg(merchant)
    panelShare: wide ? 0.46 : 0.54
    drawing: taken ? check : heard === "declined" ? shield : unknown

    Component {
        id: check

        Check {}
    }
    Component {
        id: shield

        Shield {}
    }
    Component {
        id: unknown

        PalmUnknown {}
    }

    actions: PrimaryButton {
        text: qsTr("Finish")
        onClicked: screen.answer("done")
    }
}
