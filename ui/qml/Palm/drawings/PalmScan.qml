import QtQuick
import Palm

// An open palm in the light of the reader.
Drawing {
    id: drawing

    // Without a GPU, the animation takes most of a processor core.
    property bool breathes: true
    property real glow: 1

    box: Qt.rect(-200, -215, 400, 300)

    SequentialAnimation on glow {
        running: drawing.breathes && !Tokens.stillness && drawing.visible
        loops: Animation.Infinite

        NumberAnimation {
            from: 1
            to: 0.35
            duration: Tokens.breath
            easing.type: Easing.InOutSine
        }
        NumberAnimation {
            from: 0.35
            to: 1
            duration: Tokens.breath
            easing.type: Easing.InOutSine
        }
    }

    Stroke {
        d: "M-186 64a186 186 0 0 1 372 0"
        strokeColor: Qt.alpha(Tokens.accent, 0.25 * drawing.glow)
        strokeWidth: 6
    }
    Stroke {
        d: "M-148 64a148 148 0 0 1 296 0"
        strokeColor: Qt.alpha(Tokens.accent, 0.15 + 0.35 * drawing.glow)
        strokeWidth: 6
    }
    Stroke {
        d: "M-110 64a110 110 0 0 1 220 0"
        strokeColor: Qt.alpha(Tokens.accent, 0.4 + 0.4 * drawing.glow)
        strokeWidth: 6
    }
    Stroke {
        d: "M-72 56h144a12 12 0 0 1 12 12h-168a12 12 0 0 1 12-12z"
        fillColor: Tokens.ink
        strokeWidth: 4
    }
    Stroke {
        d: Hand.outline
        fillColor: Tokens.raised
        strokeWidth: 6
    }
    Stroke {
        d: Hand.creases
        strokeColor: Tokens.accent
        strokeWidth: 5
    }
}
