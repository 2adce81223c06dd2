import QtQuick

// A message about what went wrong: a sign, a text and a colour.
Rectangle {
    id: notice

    property string text: ""
    property string sign: "caution"

    visible: text !== ""
    radius: Tokens.radius
    color: Tokens.cautionGround
    implicitHeight: visible ? Math.max(Tokens.target, words.implicitHeight + 2 * Tokens.gap) : 0
    Accessible.role: Accessible.AlertMessage
    Accessible.name: text
    onTextChanged: if (text !== "")
        Accessible.announce(text, Accessible.Assertive)

    Icon {
        id: icon

        anchors.left: parent.left
        anchors.leftMargin: Tokens.gap
        anchors.verticalCenter: parent.verticalCenter
        width: 56
        height: 56
        name: notice.sign
        colour: Tokens.caution
    }
    Label {
        id: words

        anchors.left: icon.right
        anchors.right: parent.right
        anchors.margins: Tokens.gap
        anchors.verticalCenter: parent.verticalCenter
        text: notice.text
        Accessible.ignored: true
    }
}
