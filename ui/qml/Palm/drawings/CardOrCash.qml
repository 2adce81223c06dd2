import QtQuick
import Palm

// Ways to pay without a palm.
Drawing {
    Stroke {
        d: "M44 190h196a20 20 0 0 1 20 20v112a20 20 0 0 1-20 20h-196a20 20 0 0 1-20-20v-112a20 20 0 0 1 20-20z"
        fillColor: Tokens.raised
    }
    Stroke {
        d: "M142 232a34 34 0 1 0 .1 0z M58 266v.1 M226 266v.1"
        strokeWidth: 11
    }
    Stroke {
        d: "M150 66h206a22 22 0 0 1 22 22v116a22 22 0 0 1-22 22h-206a22 22 0 0 1-22-22v-116a22 22 0 0 1 22-22z"
        fillColor: Tokens.accent
        strokeColor: Tokens.panel
        strokeWidth: 10
    }
    Stroke {
        d: "M134 112h238 M164 188h52"
        strokeColor: Tokens.inkOnAccent
        strokeWidth: 10
    }
}
