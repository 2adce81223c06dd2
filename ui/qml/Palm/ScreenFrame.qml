import QtQuick
import QtQuick.Layouts
import Palm.live

// The base of all screens: a tinted panel with a drawing or a number pad, a title, text, and the
// actions, the affirmative one on the right. Panel and text are side by side in a wide window.
FocusScope {
    id: frame

    property int serial: 0
    property bool spent: false
    property Frames frames: null
    // What is paid for. It is shown in the bar, unless the screen itself shows it.
    property var bill: null
    property bool showsBill: false
    // What the site's controller shows, which the screen of a gate draws.
    property var indicated: null

    property string title: ""
    property string text: ""
    property string alert: ""
    property string alertSign: "caution"
    // Hides the alert and keeps its place, so that nothing moves under a finger.
    property bool alertOver: false
    property string note: ""
    property bool noteOver: false
    property int step: 0
    property bool stepsInBar: true
    property bool back: false
    property bool help: false
    property Component drawing: null
    property Component pad: null
    // Items at the end of the bar.
    property Component corner: null
    property real panelShare: wide ? 0.46 : 0.5
    property real footer: 0
    property color ground: Tokens.ground

    default property alias content: content.data
    property alias actions: actions.data

    readonly property bool wide: width >= height
    readonly property bool mirrored: LayoutMirroring.enabled
    readonly property bool panelled: drawing !== null || pad !== null
    readonly property alias panelItem: panel
    readonly property alias padItem: padLoader.item
    // The height that is left for the items that a screen adds below its text.
    readonly property real contentRoom: body.height - (wide ? 0 : Tokens.loose) - content.y - words.below

    signal answered(string choice)
    signal entered(string text)

    function answer(choice: string): void {
        if (!spent) {
            spent = true;
            answered(choice);
        }
    }

    function enter(digits: string): void {
        if (!spent) {
            spent = true;
            entered(digits);
        }
    }

    Accessible.role: Accessible.Pane
    Accessible.name: title

    Rectangle {
        anchors.fill: parent
        color: frame.ground
    }

    Rectangle {
        id: panel

        readonly property bool leading: frame.pad === null
        readonly property bool atLeft: leading !== frame.mirrored

        visible: frame.panelled
        color: Tokens.panel
        width: frame.wide ? frame.width * frame.panelShare : frame.width
        height: frame.wide ? frame.height : leading ? frame.height * frame.panelShare : padLoader.implicitHeight + Tokens.key + Tokens.loose * 2 + Tokens.margin
        x: frame.wide && !atLeft ? frame.width - width : 0
        y: frame.wide || leading ? 0 : frame.height - height

        Loader {
            anchors.fill: parent
            anchors.margins: Tokens.margin
            anchors.topMargin: frame.wide ? Tokens.margin : 144
            anchors.bottomMargin: frame.wide ? Tokens.margin : Tokens.gap
            sourceComponent: frame.drawing
        }
        Loader {
            id: padLoader

            anchors.left: parent.left
            anchors.right: parent.right
            anchors.leftMargin: Tokens.margin
            anchors.rightMargin: Tokens.margin
            y: frame.wide ? Tokens.margin : Tokens.loose
            // The keys are at the same place on every screen, with or without actions below them.
            height: parent.height - y - (Tokens.key + Tokens.margin + Tokens.loose)
            sourceComponent: frame.pad
            focus: true
        }
    }

    Item {
        id: body

        readonly property bool besidePanel: frame.wide && frame.panelled

        x: besidePanel && panel.atLeft ? panel.width : 0
        width: besidePanel ? frame.width - panel.width : frame.width
        y: !frame.wide && frame.panelled && panel.leading ? panel.height : bar.height
        height: (!frame.wide && frame.panelled && !panel.leading ? panel.y : frame.height) - y

        Column {
            id: words

            readonly property real below: frame.pad === null && actions.visibleChildren.length > 0 ? actions.height + Tokens.margin + Tokens.gap : Tokens.gap + frame.footer
            readonly property real free: body.height - height - below

            anchors.left: parent.left
            anchors.right: parent.right
            anchors.leftMargin: Tokens.margin
            anchors.rightMargin: Tokens.margin
            y: Math.max(frame.wide ? 0 : Tokens.loose, free * 0.4)
            spacing: Tokens.gap

            Title {
                width: parent.width
                visible: text !== ""
                text: frame.title
            }
            Label {
                width: parent.width
                visible: text !== ""
                text: frame.text
                color: Tokens.inkSoft
            }
            Notice {
                width: parent.width
                text: frame.alert
                sign: frame.alertSign
                opacity: frame.alertOver ? 0 : 1
                Accessible.ignored: frame.alertOver
            }
            Column {
                id: content

                width: parent.width
                spacing: frame.wide ? Tokens.tight : Tokens.gap
                visible: children.length > 0
            }
            Label {
                width: parent.width
                visible: text !== ""
                opacity: frame.noteOver ? 0 : 1
                text: frame.note
                color: Tokens.caution
                font.pixelSize: Tokens.small + 2
                Accessible.ignored: frame.noteOver
                onOpacityChanged: if (!frame.noteOver)
                    Accessible.announce(text)
            }
        }
    }

    RowLayout {
        id: actions

        readonly property Item home: frame.pad !== null ? panel : body

        enabled: !frame.spent
        opacity: 1
        x: (frame.pad !== null ? panel.x : body.x) + Tokens.margin
        width: home.width - 2 * Tokens.margin
        height: visibleChildren.length > 0 ? Tokens.key : 0
        y: frame.height - height - Tokens.margin
        spacing: Tokens.gap
        uniformCellSizes: true
    }

    Item {
        id: bar

        readonly property bool overPanel: !(frame.wide && frame.panelled)

        x: overPanel ? 0 : body.x
        width: overPanel ? frame.width : body.width
        height: 152

        QuietButton {
            anchors.left: parent.left
            anchors.leftMargin: Tokens.margin - Tokens.gap
            anchors.verticalCenter: parent.verticalCenter
            visible: frame.back
            enabled: !frame.spent
            sign: frame.mirrored ? "right" : "left"
            text: qsTr("Go back")
            onClicked: frame.answer("back")
        }
        Steps {
            anchors.horizontalCenter: parent.horizontalCenter
            anchors.verticalCenter: parent.verticalCenter
            visible: frame.step > 0 && frame.stepsInBar
            step: frame.step
        }
        Column {
            anchors.centerIn: parent
            width: parent.width - 2 * (frame.back || frame.help ? 320 : Tokens.margin)
            visible: frame.bill !== null && !frame.showsBill && !(frame.step > 0 && frame.stepsInBar)

            Label {
                width: parent.width
                horizontalAlignment: Text.AlignHCenter
                text: frame.bill?.merchant ?? ""
                color: Tokens.inkSoft
                font.pixelSize: Tokens.small
                maximumLineCount: 1
                elide: Text.ElideRight
            }
            Amount {
                width: parent.width
                horizontalAlignment: Text.AlignHCenter
                money: frame.bill?.amount ?? null
                font.pixelSize: Tokens.heading
                minimumPixelSize: Tokens.small
                font.letterSpacing: 0
            }
        }
        QuietButton {
            anchors.right: parent.right
            anchors.rightMargin: Tokens.margin - Tokens.gap
            anchors.verticalCenter: parent.verticalCenter
            visible: frame.help
            enabled: !frame.spent
            sign: "help"
            text: qsTr("Get help")
            onClicked: frame.answer("help")
        }
        Loader {
            anchors.right: parent.right
            anchors.rightMargin: Tokens.margin - Tokens.gap
            anchors.verticalCenter: parent.verticalCenter
            sourceComponent: frame.corner
        }
    }
}
