import QtQuick

// Says whether a receipt goes to the shopper's phone; null where there is none.
Label {
    required property var receipt

    visible: receipt === true || receipt === false
    text: receipt === false ? qsTr("Nothing is sent to your phone.") : qsTr("A receipt goes to your phone in a moment.")
    color: Tokens.inkSoft
}
