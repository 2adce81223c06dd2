import QtQuick
import Palm

// A card that was refused.
Drawing {
    Stroke {
        d: "M74 96h252a26 26 0 0 1 26 26v156a26 26 0 0 1-26 26h-252a26 26 0 0 1-26-26v-156a26 26 0 0 1 26-26z"
        fillColor: Tokens.raised
    }
    Stroke {
        d: "M50 154h300 M88 252h70"
        strokeWidth: 10
    }
    Stroke {
        d: "M306 236a58 58 0 1 0 .1 0z"
        fillColor: Tokens.caution
        strokeColor: Tokens.panel
        strokeWidth: 10
    }
    Stroke {
        d: "M285 273l42 42 M327 273l-42 42"
        strokeColor: Tokens.ground
        strokeWidth: 12
    }
}
