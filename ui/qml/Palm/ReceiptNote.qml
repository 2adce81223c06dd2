import QtQuick

// Tells whether a receipt is sent to the shopper's phone. It is hidden where there is no receipt.
Label {
    required property var receipt

    visible: receipt === true || receipt === false
    text: receipt === false ? qsTr("Nothing is sent to your phone.") : qsTr("A receipt goes to your phone in a moment.")
    color: Tokens.inkSoft
}
