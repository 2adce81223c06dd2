import QtQuick
import Palm

// An open palm before the reader, with its light.
Drawing {
    id: drawing

    property real glow: 1

    box: Qt.rect(-150, -232, 300, 300)

    SequentialAnimation on glow {
        running: !Tokens.stillness && drawing.visible
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
        d: "M-62 60h124a8 8 0 0 1 8 8h-140a8 8 0 0 1 8-8z"
        fillColor: Tokens.ink
        strokeWidth: 2
    }
    Stroke {
        d: "M-118 12a126 126 0 0 1 -22 -92 M118 12a126 126 0 0 0 22 -92"
        strokeColor: Qt.alpha(Tokens.accent, 0.3 + 0.7 * drawing.glow)
        strokeWidth: 6
    }
    Stroke {
        d: "M-104 44a150 150 0 0 0 208 0"
        strokeColor: Qt.alpha(Tokens.accent, 0.5 + 0.5 * drawing.glow)
        strokeWidth: 6
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
