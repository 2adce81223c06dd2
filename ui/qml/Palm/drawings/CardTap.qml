import QtQuick
import Palm

// A card held to the reader below the screen.
Drawing {
    Stroke {
        d: "M96 208h146a24 24 0 0 1 24 24v110a24 24 0 0 1-24 24h-146a24 24 0 0 1-24-24v-110a24 24 0 0 1 24-24z"
        fillColor: Tokens.raised
    }
    Stroke {
        d: "M104 244h130v36h-130z M112 318v.1 M146 318v.1 M180 318v.1 M214 318v.1"
        strokeWidth: 7
    }
    Stroke {
        d: "M222 166a44 44 0 0 1 44 44 M222 138a72 72 0 0 1 72 72 M222 110a100 100 0 0 1 100 100"
        strokeColor: Tokens.accent
        strokeWidth: 9
    }
    Stroke {
        d: "M120 46l150-26a18 18 0 0 1 21 15l12 68a18 18 0 0 1-15 21l-150 26a18 18 0 0 1-21-15l-12-68a18 18 0 0 1 15-21z"
        fillColor: Tokens.accent
        strokeColor: Tokens.panel
        strokeWidth: 10
    }
    Stroke {
        d: "M109 80l183-32 M130 122l44-8"
        strokeColor: Tokens.inkOnAccent
        strokeWidth: 9
    }
}
