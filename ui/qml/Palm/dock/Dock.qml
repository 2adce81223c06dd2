pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Window
import Palm
import Palm.live

// Moves the simulated hand, taps cards, reads the phone, rings up sales and causes faults.
Window {
    id: window

    required property Simulated dock
    required property string variant
    property int seed: 7
    property bool right: false
    property bool back: false
    property bool recording: false
    property bool card: false
    property bool code: false
    property string present: "sometimes"
    // The simulated gate, how often it was opened or got a card, and the last card's number.
    property string gate: ""
    property int passed: 0
    property string credential: ""
    // What the simulated controller answers to each card.
    property string verdict: "granted"
    // How often staff were called since somebody has answered.
    property int calls: 0

    title: qsTr("Palm kiosk dock")
    width: 420
    height: 980
    visible: true
    color: Tokens.ground
    Component.onCompleted: Tokens.variant = variant

    function walkUp(): void {
        window.present = "never";
        window.dock.walk_up(window.seed, window.right);
    }

    component Does: DockButton {
        required property string what

        onClicked: window.dock.do(what)
    }

    Connections {
        target: window.dock

        function onTexted(text: string): void {
            messages.insert(0, {
                message: text
            });
        }

        function onCalled(): void {
            window.calls += 1;
        }

        function onGated(kind: string, times: int, card: string): void {
            window.gate = kind;
            window.passed = times;
            window.credential = card;
        }

        function onShone(colours: var): void {
            ring.colours = colours;
        }
    }
    ListModel {
        id: messages
    }

    // The message that staff would see at the till.
    DockButton {
        id: call

        anchors.left: parent.left
        anchors.right: parent.right
        anchors.top: parent.top
        anchors.margins: visible ? 24 : 0
        height: visible ? implicitHeight : 0
        visible: window.calls > 0
        checked: true
        text: window.calls === 1 ? qsTr("Till: somebody at the kiosk calls staff. Go there.") : qsTr("Till: staff were called %n times. Go there.", "", window.calls)
        onClicked: window.calls = 0
    }
    Flickable {
        anchors.left: parent.left
        anchors.right: parent.right
        anchors.top: call.bottom
        anchors.bottom: parent.bottom
        anchors.margins: 24
        contentHeight: all.implicitHeight
        contentWidth: width

        Column {
            id: all

            width: parent.width
            spacing: 20

            DockGroup {
                title: qsTr("Gate")
                visible: window.gate !== ""

                Label {
                    width: all.width
                    text: window.gate === "release" ? qsTr("Opened: %1").arg(window.passed) : window.passed === 0 ? qsTr("No card yet") : qsTr("Cards: %1, the last one %2").arg(window.passed).arg(window.credential)
                    font.pixelSize: 14
                }
                DockButton {
                    text: qsTr("Person %1 walks up").arg(window.seed)
                    onClicked: window.walkUp()
                }
                DockButton {
                    text: qsTr("Person %1 walks up").arg(window.seed + 1)
                    onClicked: {
                        window.seed += 1;
                        window.walkUp();
                    }
                }
                Repeater {
                    model: window.gate === "controller" ? ["granted", "denied", "none"] : []

                    DockButton {
                        required property string modelData

                        text: modelData === "granted" ? qsTr("It grants") : modelData === "denied" ? qsTr("It denies") : qsTr("It says nothing")
                        checked: window.verdict === modelData
                        onClicked: {
                            window.verdict = modelData;
                            window.dock.do("answer_" + modelData);
                        }
                    }
                }
                Does {
                    what: "cut_line"
                    text: window.gate === "release" ? qsTr("Unplug gate") : qsTr("Cut line")
                }
                Does {
                    what: "mend_line"
                    text: window.gate === "release" ? qsTr("Plug in gate") : qsTr("Mend line")
                }
                Repeater {
                    model: window.gate !== "controller" ? [] : [
                        {
                            cue: "lamp_amber",
                            words: qsTr("Amber blinks")
                        },
                        {
                            cue: "lamp_blue",
                            words: qsTr("Blue")
                        },
                        {
                            cue: "lamp_off",
                            words: qsTr("No light")
                        },
                        {
                            cue: "words",
                            words: qsTr("Words")
                        },
                        {
                            cue: "buzz",
                            words: qsTr("Buzzer")
                        },
                        {
                            cue: "output",
                            words: qsTr("Output")
                        }
                    ]

                    Does {
                        required property var modelData

                        what: modelData.cue
                        text: modelData.words
                    }
                }
            }

            DockGroup {
                title: qsTr("Hand")

                Repeater {
                    model: ["sometimes", "always", "never"]

                    DockButton {
                        required property string modelData

                        text: modelData === "sometimes" ? qsTr("Comes and goes") : modelData === "always" ? qsTr("In view") : qsTr("Away")
                        checked: window.present === modelData
                        onClicked: {
                            window.present = modelData;
                            window.dock.present(modelData);
                        }
                    }
                }
                Repeater {
                    model: [
                        {
                            field: "span",
                            words: qsTr("Distance"),
                            least: 0.15,
                            most: 0.75,
                            usual: 0.45
                        },
                        {
                            field: "x",
                            words: qsTr("Across"),
                            least: 0,
                            most: 1,
                            usual: 0.5
                        },
                        {
                            field: "y",
                            words: qsTr("Down"),
                            least: 0,
                            most: 1,
                            usual: 0.5
                        },
                        {
                            field: "turn",
                            words: qsTr("Turn"),
                            least: -90,
                            most: 90,
                            usual: 0
                        },
                        {
                            field: "pitch",
                            words: qsTr("Lean back"),
                            least: -60,
                            most: 60,
                            usual: 0
                        },
                        {
                            field: "yaw",
                            words: qsTr("Lean aside"),
                            least: -60,
                            most: 60,
                            usual: 0
                        },
                        {
                            field: "spread",
                            words: qsTr("Spread"),
                            least: 0,
                            most: 1,
                            usual: 0.45
                        },
                        {
                            field: "curl",
                            words: qsTr("Fist"),
                            least: 0,
                            most: 1,
                            usual: 0
                        },
                        {
                            field: "blur",
                            words: qsTr("Blur"),
                            least: 0,
                            most: 8,
                            usual: 0
                        },
                        {
                            field: "brightness",
                            words: qsTr("Brightness"),
                            least: 0.1,
                            most: 2.5,
                            usual: 1
                        }
                    ]

                    DockSlider {
                        required property var modelData

                        text: modelData.words
                        from: modelData.least
                        to: modelData.most
                        value: modelData.usual
                        onMoved: window.dock.pose(modelData.field, value)
                    }
                }
                DockButton {
                    text: window.right ? qsTr("Right hand") : qsTr("Left hand")
                    onClicked: {
                        window.right = !window.right;
                        window.dock.become(window.seed, window.right);
                    }
                }
                DockButton {
                    text: window.back ? qsTr("Back of the hand") : qsTr("Palm")
                    onClicked: {
                        window.back = !window.back;
                        window.dock.turn_over(window.back);
                    }
                }
                DockButton {
                    text: window.recording ? qsTr("A recording") : qsTr("A living hand")
                    checked: window.recording
                    onClicked: {
                        window.recording = !window.recording;
                        window.dock.replay(window.recording);
                    }
                }
                DockButton {
                    text: qsTr("Membership card")
                    checked: window.card
                    onClicked: {
                        window.card = !window.card;
                        window.dock.hold_card(window.card);
                    }
                }
                DockButton {
                    text: qsTr("The code below")
                    checked: window.code
                    onClicked: {
                        window.code = !window.code;
                        window.dock.hold_up(window.code ? code.text : "");
                    }
                }
                DockButton {
                    text: qsTr("Person %1: next").arg(window.seed)
                    onClicked: {
                        window.seed += 1;
                        window.dock.become(window.seed, window.right);
                    }
                }
                // The code of a ticket, or of a device of pretix.
                Rectangle {
                    width: all.width
                    height: 36
                    radius: 8
                    color: Tokens.raised
                    border.color: Tokens.line

                    TextInput {
                        id: code

                        anchors.fill: parent
                        anchors.margins: 8
                        clip: true
                        selectByMouse: true
                        color: Tokens.ink
                        font.pixelSize: 14
                        text: qsTr("TICKET-000007")
                        Accessible.name: qsTr("A code to hold up")
                    }
                }
            }

            DockGroup {
                title: qsTr("Light ring")
                visible: ring.colours.length > 0

                DockRing {
                    id: ring

                    colours: []
                }
                Does {
                    what: "unplug_light"
                    text: qsTr("Unplug ring")
                }
                Does {
                    what: "plug_in_light"
                    text: qsTr("Plug in ring")
                }
            }

            DockGroup {
                title: qsTr("Cards")

                Does {
                    what: "tap_visa"
                    text: qsTr("Tap Visa")
                }
                Does {
                    what: "tap_mastercard"
                    text: qsTr("Tap Mastercard")
                }
                Does {
                    what: "tap_declines"
                    text: qsTr("Tap one that declines")
                }
                Does {
                    what: "tap_refused"
                    text: qsTr("Tap one that is refused")
                }
                Does {
                    what: "spoil_next_card"
                    text: qsTr("Spoil next card")
                }
            }

            DockGroup {
                title: qsTr("Till")

                Repeater {
                    model: [450, 1250, 129900]

                    DockButton {
                        required property int modelData

                        text: qsTr("Ring up %1").arg((modelData / 100).toFixed(2))
                        onClicked: window.dock.ring_up(modelData)
                    }
                }
                Does {
                    what: "ring_up_over_18"
                    text: qsTr("Ring up 8.90, over 18")
                }
                Does {
                    what: "collect_points"
                    text: qsTr("Collect 12 points")
                }
                Does {
                    what: "withdraw_sale"
                    text: qsTr("Withdraw sale")
                }
            }

            DockGroup {
                title: qsTr("Break and mend")

                Does {
                    what: "unplug_camera"
                    text: qsTr("Unplug camera")
                }
                Does {
                    what: "plug_in_camera"
                    text: qsTr("Plug in camera")
                }
                Does {
                    what: "stall_camera"
                    text: qsTr("Stall camera")
                }
                Does {
                    what: "resume_camera"
                    text: qsTr("Resume camera")
                }
                Does {
                    what: "open_enclosure"
                    text: qsTr("Open enclosure")
                }
                Does {
                    what: "reset_enclosure"
                    text: qsTr("Reset its contact")
                }
                Does {
                    what: "swap_camera"
                    text: qsTr("Swap camera")
                }
                Does {
                    what: "plug_in_keyboard"
                    text: qsTr("Plug in a keyboard")
                }
                Does {
                    what: "plug_in_stick"
                    text: qsTr("Plug in a stick")
                }
                Does {
                    what: "clear_usb"
                    text: qsTr("Pull out both")
                }
                Does {
                    what: "unplug_terminal"
                    text: qsTr("Unplug terminal")
                }
                Does {
                    what: "plug_in_terminal"
                    text: qsTr("Plug in terminal")
                }
                Does {
                    what: "cut_network"
                    text: qsTr("Cut network")
                }
                Does {
                    what: "mend_network"
                    text: qsTr("Mend network")
                }
                Does {
                    what: "kill_service"
                    text: qsTr("Crash service")
                }
                Does {
                    what: "hold_service_down"
                    text: qsTr("Hold service down")
                }
                Does {
                    what: "bring_service_up"
                    text: qsTr("Bring service up")
                }
            }

            DockGroup {
                title: qsTr("Phone")

                Label {
                    visible: messages.count === 0
                    text: qsTr("No message yet")
                    color: Tokens.inkSoft
                    font.pixelSize: 14
                }
                Repeater {
                    model: messages

                    Rectangle {
                        id: bubble

                        required property string message

                        width: all.width
                        height: words.implicitHeight + 24
                        radius: 12
                        color: Tokens.panel

                        Label {
                            id: words

                            anchors.left: parent.left
                            anchors.right: parent.right
                            anchors.top: parent.top
                            anchors.margins: 12
                            text: bubble.message
                            font.pixelSize: 16
                        }
                    }
                }
            }
        }
    }
}
