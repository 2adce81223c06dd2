pragma ComponentBehavior: Bound
import QtQuick

// A screen that shows a text to which somebody is asked to agree, unchanged. They can agree only at
// the end of the text. A release is signed by holding the button.
ScreenFrame {
    id: frame

    required property var consent
    property string refusal: ""
    property string refusing: "back"
    // Another way on: in the bar of a wide window, below the text of a narrow one.
    property Component way: null
    property bool wasRead: false
    readonly property bool isRead: wasRead || pages.contentHeight < pages.height + 1

    function readOn(): void {
        const last = Math.max(0, pages.contentHeight - pages.height);
        // The line that was cut off at the bottom is whole at the top.
        turning.to = Math.min(last, pages.contentY + pages.height - pages.line);
        turning.restart();
    }

    title: consent.title
    corner: wide ? way : null
    onWasReadChanged: if (wasRead && !Tokens.stillness)
        settling.start()
    onConsentChanged: {
        turning.stop();
        pages.contentY = 0;
        wasRead = false;
    }

    // Pressing "Read on" once too often must not agree.
    Timer {
        id: settling

        interval: 800
    }
    Flickable {
        id: pages

        readonly property real line: Tokens.body * 1.25

        width: parent.width
        height: Math.min(contentHeight, frame.contentRoom - (below.item ? below.height + Tokens.gap : 0))
        contentHeight: sections.height
        boundsBehavior: Flickable.StopAtBounds
        clip: true
        onContentYChanged: if (contentY > 0 && contentY + height > contentHeight - 1)
            frame.wasRead = true

        NumberAnimation {
            id: turning

            target: pages
            property: "contentY"
            duration: Tokens.slow
            easing.type: Easing.OutCubic
        }

        Grid {
            id: sections

            readonly property real cell: (pages.width - Tokens.gap - (columns - 1) * columnSpacing) / columns

            columns: frame.wide ? 2 : 1
            columnSpacing: Tokens.margin
            rowSpacing: Tokens.gap

            Repeater {
                model: frame.consent.sections

                Column {
                    id: section

                    required property var modelData

                    width: sections.cell
                    spacing: Tokens.hair + 4

                    Label {
                        width: parent.width
                        text: section.modelData.heading
                        font.weight: Font.DemiBold
                    }
                    Repeater {
                        model: section.modelData.text.split("\n")

                        Label {
                            required property string modelData

                            width: section.width
                            text: modelData
                            color: Tokens.inkSoft
                        }
                    }
                }
            }
        }
        Rectangle {
            // How far the text was read.
            parent: pages
            anchors.right: parent.right
            y: pages.visibleArea.yPosition * pages.height
            width: Tokens.hair
            height: pages.visibleArea.heightRatio * pages.height
            radius: width / 2
            color: Tokens.line
            visible: pages.visibleArea.heightRatio < 1
        }
    }
    Loader {
        id: below

        sourceComponent: frame.wide ? null : frame.way
    }

    actions: [
        SecondaryButton {
            text: frame.refusal
            onClicked: frame.answer(frame.refusing)
        },
        PrimaryButton {
            visible: !frame.isRead
            text: qsTr("Read on")
            onClicked: frame.readOn()
        },
        PrimaryButton {
            visible: frame.isRead && !frame.consent.release
            enabled: !settling.running
            text: qsTr("I agree")
            onClicked: frame.answer("agree")
        },
        HoldButton {
            visible: frame.isRead && frame.consent.release
            text: qsTr("Hold to sign")
            sign: "check"
            colour: Tokens.accent
            colourOver: Tokens.inkOnAccent
            onHeld: frame.answer("agree")
        }
    ]
}
