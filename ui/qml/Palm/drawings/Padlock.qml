import QtQuick
import Palm

// A padlock: this is locked for a while.
Drawing {
    Stroke {
        d: "M136 172v-44a64 64 0 0 1 128 0v44"
        strokeWidth: 14
    }
    Stroke {
        d: "M110 172h180a26 26 0 0 1 26 26v130a26 26 0 0 1-26 26h-180a26 26 0 0 1-26-26v-130a26 26 0 0 1 26-26z"
        fillColor: Tokens.raised
    }
    Stroke {
        d: "M200 232a22 22 0 1 0 .1 0z M200 276v34"
        strokeColor: Tokens.accent
        strokeWidth: 11
    }
}
