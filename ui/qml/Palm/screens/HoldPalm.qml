pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import Palm
import Palm.live

// The live view, the outline to hold the hand in, and one instruction at a time: as a text, a sign, a
// colour and the line of the outline.
ScreenFrame {
    id: screen

    required property string purpose
    required property var guidance
    required property var side
    required property var amount
    required property string merchant
    required property var attempts_left
    required property bool lifeless
    required property bool longer
    required property bool unclear
    required property string question
    required property bool agrees

    readonly property bool isAsked: question !== ""
    readonly property string instruction: guidance.instruction
    readonly property bool holding: instruction === "hold_still" || instruction === "hold_longer"
    readonly property bool finished: instruction === "done"
    readonly property bool again: lifeless || unclear || typeof attempts_left === "number"
    readonly property bool waiting: instruction === "show_palm"
    readonly property color hue: finished || holding ? Tokens.overlayAccent : waiting ? Tokens.overlayInk : Tokens.overlayCaution
    // Compares thumb tip and little finger's knuckle in the frame, which is not mirrored.
    readonly property bool seesLeft: guidance.points.length > 17 && instruction !== "turn_over" && guidance.points[4][0] < guidance.points[17][0]
    readonly property var current: advise(instruction)

    function advise(instruction: string): var {
        const advice = {
            "take_away": {
                sign: "away",
                words: qsTr("Take your hand away, then show it again")
            },
            "show_palm": {
                sign: "hand",
                words: isAsked && agrees ? qsTr("Hold your palm to agree") : isAsked ? qsTr("Hold your palm to say who you are") : side === "left" ? qsTr("Show your left palm") : side === "right" ? qsTr("Show your right palm") : qsTr("Show your open palm")
            },
            "one_hand": {
                sign: "hands",
                words: qsTr("One hand only")
            },
            "turn_over": {
                sign: "turn",
                words: qsTr("Turn your hand over")
            },
            "open_hand": {
                sign: "hand",
                words: qsTr("Open your hand")
            },
            "other_hand": {
                sign: "turn",
                words: side === "left" ? qsTr("Your left hand, please") : side === "right" ? qsTr("Your right hand, please") : qsTr("The other hand, please")
            },
            "move_closer": {
                sign: "closer",
                words: qsTr("Come closer")
            },
            "move_away": {
                sign: "away",
                words: qsTr("Move back a little")
            },
            "move_left": {
                sign: "left",
                words: qsTr("Move left")
            },
            "move_right": {
                sign: "right",
                words: qsTr("Move right")
            },
            "move_up": {
                sign: "up",
                words: qsTr("Move up")
            },
            "move_down": {
                sign: "down",
                words: qsTr("Move down")
            },
            "flatten": {
                sign: "level",
                words: qsTr("Hold your palm flat to the screen")
            },
            "more_light": {
                sign: "sun",
                words: qsTr("It is too dark here")
            },
            "less_light": {
                sign: "shade",
                words: qsTr("Too bright: turn from the light")
            },
            "wipe": {
                sign: "hand",
                words: qsTr("Wipe your palm and the glass")
            },
            "hold_still": {
                sign: "still",
                words: qsTr("Hold still")
            },
            "hold_longer": {
                sign: "still",
                words: qsTr("Hold still a little longer")
            },
            "done": {
                sign: "check",
                words: qsTr("Thank you")
            }
        };
        return advice[instruction] ?? advice["show_palm"];
    }

    showsBill: true
    ground: "#0b1012"
    step: purpose !== "enrol" ? 0 : side ? 5 : 4
    stepsInBar: false
    Accessible.name: current.words
    onCurrentChanged: Accessible.announce(current.words)

    Item {
        id: stageArea

        parent: screen
        width: screen.wide ? screen.width - sheet.width : screen.width
        height: screen.wide ? screen.height : sheet.y + 2 * Tokens.radius
        x: screen.wide && screen.mirrored ? sheet.width : 0
        clip: true

        LiveView {
            id: view

            anchors.fill: parent
            frames: screen.frames
        }
        // Shown while the camera delivers no picture.
        Rectangle {
            anchors.fill: parent
            color: screen.ground
            opacity: view.live ? 0 : 1

            Behavior on opacity {
                NumberAnimation {
                    duration: Tokens.calm
                }
            }
        }
        // The hand takes the colour of the instruction.
        HandGlow {
            anchors.fill: parent
            visible: seen && view.live
            points: screen.guidance.points.map(point => Qt.point(view.picture.x + (1 - point[0]) * view.picture.width, view.picture.y + point[1] * view.picture.height))
            colour: screen.hue
            opacity: screen.holding || screen.finished ? 0.45 : 0.2
        }
        PalmOutline {
            id: outline

            // A palm length of 0.4 frame heights is a good distance (kiosk.capture.guidance) at which the
            // whole hand is in view when the palm is held a little below the middle.
            readonly property real unit: 0.4 * view.picture.height / 100

            width: Hand.box.width * unit
            height: Hand.box.height * unit
            x: view.picture.x + view.picture.width / 2 - width / 2
            y: view.picture.y + (view.picture.height - height) / 2
            leftHand: screen.side === "left" || screen.side !== "right" && screen.seesLeft
            visible: !screen.holding && !screen.finished
            colour: screen.hue
        }
        Item {
            id: gauge

            visible: screen.holding || screen.finished
            x: outline.x + outline.width / 2 - width / 2
            y: outline.y + outline.height * 0.65 - height / 2
            width: 240
            height: 240

            Rectangle {
                anchors.fill: parent
                radius: width / 2
                color: screen.finished ? Tokens.overlayAccent : "#8c0b1012"
            }
            Ring {
                anchors.fill: parent
                visible: !screen.finished
                thickness: 20
                progress: screen.guidance.progress
            }
            Icon {
                anchors.centerIn: parent
                width: 140
                height: 140
                name: screen.finished ? "check" : "still"
                colour: screen.finished ? "#04231a" : Tokens.overlayInk
            }
        }
    }

    // The instruction, and its purpose.
    Rectangle {
        id: sheet

        parent: screen
        z: 1
        color: Tokens.ground
        radius: screen.wide ? 0 : 2 * Tokens.radius
        width: screen.wide ? Math.max(600, screen.width * 0.4) : screen.width
        height: screen.height - y + 2 * Tokens.radius
        x: screen.wide && !screen.mirrored ? screen.width - width : 0
        y: screen.wide ? -Tokens.radius : Math.min(screen.height * 0.62, screen.height - words.implicitHeight - ways.height - 4 * Tokens.gap - Tokens.margin)

        Column {
            id: words

            anchors.left: parent.left
            anchors.right: parent.right
            anchors.margins: Tokens.margin
            y: screen.wide ? Math.max(Tokens.margin, (ways.y - height) * 0.45) : Tokens.margin
            spacing: Tokens.gap

            Steps {
                visible: screen.step > 0
                step: screen.step
            }
            Column {
                width: parent.width
                visible: screen.isAsked
                spacing: Tokens.tight

                Label {
                    width: parent.width
                    text: qsTr("%1 asks:").arg(screen.merchant)
                    color: Tokens.inkSoft
                    font.pixelSize: Tokens.small
                    maximumLineCount: 2
                    elide: Text.ElideRight
                }
                Title {
                    width: parent.width
                    text: screen.question
                    font.pixelSize: screen.question.length > 60 ? Tokens.body : Tokens.heading
                    font.letterSpacing: 0
                    maximumLineCount: 6
                    elide: Text.ElideRight
                }
            }
            Column {
                width: parent.width
                visible: screen.amount !== null && screen.amount !== undefined
                spacing: 4

                Label {
                    width: parent.width
                    text: screen.merchant
                    color: Tokens.inkSoft
                    maximumLineCount: 2
                    elide: Text.ElideRight
                }
                Amount {
                    width: parent.width
                    money: screen.amount
                    font.pixelSize: Tokens.display
                }
                Basket {
                    width: parent.width
                    items: screen.again ? [] : screen.bill?.items ?? []
                    rows: screen.wide ? 3 : 2
                }
            }
            Row {
                width: parent.width
                spacing: Tokens.gap

                Rectangle {
                    id: badge

                    width: Tokens.target
                    height: Tokens.target
                    radius: screen.waiting || screen.holding || screen.finished ? width / 2 : Tokens.radius
                    color: screen.holding || screen.finished ? Tokens.accent : screen.waiting ? Tokens.panel : Tokens.cautionGround

                    Icon {
                        anchors.centerIn: parent
                        width: 80
                        height: 80
                        name: screen.current.sign
                        colour: screen.holding || screen.finished ? Tokens.inkOnAccent : screen.waiting ? Tokens.ink : Tokens.caution
                    }
                }
                Title {
                    width: parent.width - badge.width - Tokens.gap
                    height: Math.max(badge.height, implicitHeight)
                    verticalAlignment: Text.AlignVCenter
                    text: screen.current.words
                    font.pixelSize: screen.isAsked ? Tokens.heading : Tokens.title
                }
            }
            Notice {
                width: parent.width
                text: screen.lifeless ? qsTr("Your bare hand, please, clean and out of bright sun, and still while the light changes.") : screen.unclear ? qsTr("Your palm could not be read. If it is wet or dirty, wipe it, and the glass.") : typeof screen.attempts_left === "number" ? qsTr("A clean palm helps. Tries left: %1.").arg(screen.attempts_left) : ""
            }
            Label {
                width: parent.width
                visible: screen.holding || screen.finished || !screen.again
                text: screen.finished ? qsTr("You can take your hand away.") : screen.longer ? qsTr("A few seconds this time, to see the pulse in your palm.") : screen.holding ? qsTr("Just a moment.") : qsTr("Fingers up, a little apart, until your hand fills the outline.")
                color: Tokens.inkSoft
            }
        }

        ColumnLayout {
            id: ways

            anchors.left: parent.left
            anchors.right: parent.right
            anchors.bottom: parent.bottom
            anchors.leftMargin: Tokens.margin
            anchors.rightMargin: Tokens.margin
            anchors.bottomMargin: Tokens.gap + 2 * Tokens.radius
            enabled: !screen.spent
            spacing: Tokens.tight

            SecondaryButton {
                Layout.fillHeight: false
                visible: screen.purpose !== "enrol"
                sign: screen.isAsked ? "" : "phone"
                text: screen.isAsked ? qsTr("No") : qsTr("Use my number")
                onClicked: screen.answer(screen.isAsked ? "back" : "use_number")
            }
            RowLayout {
                QuietButton {
                    leftPadding: 0
                    visible: !screen.isAsked
                    sign: screen.mirrored ? "right" : "left"
                    text: qsTr("Go back")
                    onClicked: screen.answer("back")
                }
                Item {
                    Layout.fillWidth: true
                }
                QuietButton {
                    rightPadding: 0
                    sign: "help"
                    text: qsTr("Get help")
                    onClicked: screen.answer("help")
                }
            }
        }
    }
}
