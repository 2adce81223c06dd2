pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property var problem
    required property bool adding

    title: qsTr("Tap your card")
    text: qsTr("Hold it to the card reader. It pays for what you buy with your palm; nothing is charged now.")
    alert: sentence(problem)
    back: true
    step: adding ? 0 : 3
    panelShare: wide ? 0.46 : 0.54
    drawing: CardTap {}

    function sentence(about: var): string {
        switch (about) {
        case "refused":
            return qsTr("That card was not accepted. Please try another one.");
        case "not_read":
            return qsTr("The card could not be read. Please hold it there a little longer.");
        case "terminal":
            return qsTr("The card reader does not answer. Please wait a moment, or go back.");
        default:
            return "";
        }
    }

    BusyDots {
        visible: !screen.problem
    }
}
