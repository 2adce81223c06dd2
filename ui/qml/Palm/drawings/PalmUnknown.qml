import QtQuick
import Palm

// A palm that is not known.
Drawing {
    box: Qt.rect(-130, -222, 270, 262)

    Stroke {
        d: Hand.outline
        fillColor: Tokens.raised
        strokeWidth: 6
    }
    Stroke {
        d: "M-22 -62a24 24 0 1 1 36 21c-9 5-12 11-12 20 M2 -2v.1"
        strokeColor: Tokens.accent
        strokeWidth: 9
    }
}
