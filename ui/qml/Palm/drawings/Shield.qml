import QtQuick
import Palm

// A palm behind a shield.
Drawing {
    Stroke {
        d: "M200 34l132 50v104c0 86-54 146-132 182-78-36-132-96-132-182v-104z"
        fillColor: Tokens.raised
    }
    Drawing {
        x: 118
        y: 84
        width: 164
        height: 210
        box: Hand.box

        Stroke {
            d: Hand.outline
            strokeWidth: 8
            strokeColor: Tokens.accent
        }
        Stroke {
            d: Hand.creases
            strokeWidth: 6
            strokeColor: Tokens.accent
        }
    }
}
