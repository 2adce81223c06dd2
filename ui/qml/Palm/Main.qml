import QtQuick
import QtQuick.Controls.Basic as Controls
import QtQuick.Window
import Palm.live

// The window: one screen at a time, the warning over it, and the phone of a demonstration.
Window {
    id: window

    required property Stage stage
    required property Frames frames
    required property string variant
    required property bool stillness

    readonly property Item page: pages.currentItem
    readonly property ScreenFrame frame: page as ScreenFrame
    readonly property bool settled: !pages.busy
    property Item warning: null
    property var bill: null
    property var indicated: null
    property string message: ""

    title: qsTr("Palm kiosk")
    color: Tokens.ground
    width: 1280
    height: 800

    Component.onCompleted: {
        Tokens.variant = variant;
        Tokens.stillness = stillness;
    }

    function component(name: string): Component {
        const made = Qt.createComponent("Palm.screens", name);
        if (made.status === Component.Error)
            console.warn(made.errorString());
        return made;
    }

    Connections {
        target: window.stage

        function onShown(serial: int, fresh: bool, name: string, values: var): void {
            const current = window.frame;
            if (current !== null && !fresh && current.objectName === name) {
                if (current.serial !== serial) {
                    current.serial = serial;
                    current.spent = false;
                }
                for (const field in values)
                    current[field] = values[field];
                return;
            }
            const given = Object.assign({}, values, {
                objectName: name,
                serial: serial,
                frames: window.frames,
                bill: window.bill,
                indicated: window.indicated
            });
            // Entering the code and waiting belong to the same step as the screen before.
            if (name === "EnterCode" || name === "Working")
                given.step = current?.step ?? 0;
            pages.replaceCurrentItem(window.component(name), given);
        }

        function onBilled(bill: var): void {
            window.bill = "amount" in bill ? bill : null;
            if (window.frame !== null)
                window.frame.bill = window.bill;
        }

        function onIndicated(shown: var): void {
            window.indicated = "color" in shown ? shown : null;
            if (window.frame !== null)
                window.frame.indicated = window.indicated;
        }

        function onDressed(variant: string, accent: string): void {
            Tokens.variant = variant;
            Tokens.chosen = accent === "" ? "transparent" : accent;
        }

        function onWarned(values: var): void {
            if (window.warning !== null) {
                window.warning.seconds = values.seconds;
            } else {
                window.warning = window.component("StillThere").createObject(over, values);
            }
        }

        function onUnwarned(): void {
            if (window.warning !== null) {
                window.warning.visible = false;
                window.warning.destroy();
            }
            window.warning = null;
        }
    }

    Connections {
        target: window.frame

        function onAnswered(choice: string): void {
            window.stage.answer(window.frame.serial, choice);
        }

        function onEntered(text: string): void {
            window.message = "";
            window.stage.enter(window.frame.serial, text);
        }
    }

    Connections {
        target: window.warning
        ignoreUnknownSignals: true

        function onAnswered(choice: string): void {
            if (choice === "leave")
                window.stage.leave(window.frame.serial);
        }
    }

    // Everything below is laid out for a short side of 1080 pixels, and scaled to the window.
    Item {
        id: reference

        readonly property real ratio: Math.min(window.width, window.height) / 1080

        width: window.width / ratio
        height: window.height / ratio
        scale: ratio
        transformOrigin: Item.TopLeft
        LayoutMirroring.enabled: Application.layoutDirection === Qt.RightToLeft
        LayoutMirroring.childrenInherit: true

        Controls.StackView {
            id: pages

            anchors.fill: parent
            focus: true
            onCurrentItemChanged: currentItem?.forceActiveFocus()

            replaceEnter: Transition {
                ParallelAnimation {
                    NumberAnimation {
                        property: "opacity"
                        from: 0
                        to: 1
                        duration: Tokens.calm
                        easing.type: Easing.OutCubic
                    }
                    NumberAnimation {
                        property: "y"
                        from: Tokens.stillness ? 0 : 32
                        to: 0
                        duration: Tokens.slow
                        easing.type: Easing.OutCubic
                    }
                }
            }
            replaceExit: Transition {
                NumberAnimation {
                    property: "opacity"
                    from: 1
                    to: 0
                    duration: Tokens.quick
                }
            }
        }

        DemoPhone {
            message: window.message
            onClosed: window.message = ""
        }
        Item {
            id: over

            anchors.fill: parent
        }
    }
}
