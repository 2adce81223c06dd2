import QtQuick

// The inside of a button: its sign and its words, centred.
Item {
    id: face

    required property string text
    required property color colour
    property string sign: ""
    property bool strong: true
    readonly property real signSpace: sign === "" ? 0 : icon.width + Tokens.tight

    implicitWidth: signSpace + words.implicitWidth
    implicitHeight: Math.max(icon.height, words.implicitHeight)

    Icon {
        id: icon

        anchors.right: words.left
        anchors.rightMargin: Tokens.tight
        anchors.verticalCenter: parent.verticalCenter
        visible: face.sign !== ""
        width: 48
        height: 48
        name: face.sign
        colour: face.colour
    }
    Label {
        id: words

        anchors.centerIn: parent
        anchors.horizontalCenterOffset: (mirroredAlready ? -1 : 1) * face.signSpace / 2
        width: Math.min(implicitWidth, face.width - face.signSpace)
        height: face.height
        verticalAlignment: Text.AlignVCenter
        text: face.text
        color: face.colour
        font.pixelSize: Tokens.button
        // An amount is never broken: it is rather smaller.
        wrapMode: Text.WordWrap
        fontSizeMode: Text.Fit
        minimumPixelSize: Tokens.small
        font.weight: face.strong ? Font.DemiBold : Font.Normal
        horizontalAlignment: Text.AlignHCenter
        lineHeight: 1.05
        Accessible.ignored: true

        readonly property bool mirroredAlready: LayoutMirroring.enabled
    }
}
