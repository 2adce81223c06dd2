pragma ComponentBehavior: Bound
import QtQuick

// What the site's controller shows, as on its own card readers: a light around the whole screen, a text
// at the top, and a small light for the reader's output.
Item {
    id: indicator

    // A kiosk.screens.Indicated, null for nothing.
    required property var shown

    readonly property var lights: ({
            "red": "#ff4f45",
            "green": "#3ddc84",
            "amber": "#ffb300",
            "blue": "#4c8dff",
            "magenta": "#ff5ad1",
            "cyan": "#3fd9e8",
            "white": "#ffffff"
        })
    readonly property string lit: shown ? (blinking.between ? shown.between : shown.color) : "none"
    // In a wide window, an answer leaves no room at the top.
    readonly property bool wide: width >= height
    readonly property string words: shown ? shown.words : ""

    onWordsChanged: if (words !== "")
        Accessible.announce(words)

    Timer {
        id: blinking

        property bool between: false

        interval: 1000 * (between ? indicator.shown?.off_s ?? 1 : indicator.shown?.on_s ?? 1)
        repeat: true
        running: !Tokens.stillness && (indicator.shown?.on_s ?? 0) > 0
        onTriggered: between = !between
        onRunningChanged: between = false
    }
    Rectangle {
        anchors.fill: parent
        visible: indicator.lit in indicator.lights
        color: "transparent"
        border.width: Tokens.gap
        border.color: indicator.lights[indicator.lit] ?? "transparent"
        Accessible.ignored: true
    }
    Rectangle {
        y: Tokens.margin
        x: indicator.wide ? Tokens.margin : (parent.width - width) / 2
        width: Math.min(said.implicitWidth, said.width) + 2 * Tokens.loose
        height: said.implicitHeight + 2 * Tokens.tight
        radius: Tokens.radius
        color: Tokens.overlay
        visible: indicator.words !== ""

        Label {
            id: said

            anchors.centerIn: parent
            width: (indicator.wide ? 0.4 : 1) * indicator.width - 2 * Tokens.margin - 2 * Tokens.loose
            horizontalAlignment: Text.AlignHCenter
            textFormat: Text.PlainText
            text: indicator.words
            color: Tokens.overlayInk
            font.pixelSize: indicator.wide ? Tokens.heading : Tokens.title
            maximumLineCount: 4
            elide: Text.ElideRight
        }
    }
    Rectangle {
        anchors.top: parent.top
        anchors.right: parent.right
        anchors.margins: Tokens.margin
        width: Tokens.loose
        height: width
        radius: width / 2
        color: "#ffffff"
        visible: indicator.shown?.output ?? false
        Accessible.role: Accessible.Indicator
        Accessible.name: qsTr("Switched on by the door")
    }
}
