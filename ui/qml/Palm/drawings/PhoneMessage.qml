import QtQuick
import Palm

// A phone that has received a message.
Drawing {
    Stroke {
        d: "M124 30h130a26 26 0 0 1 26 26v288a26 26 0 0 1-26 26h-130a26 26 0 0 1-26-26v-288a26 26 0 0 1 26-26z"
        fillColor: Tokens.raised
    }
    Stroke {
        d: "M166 62h46 M176 340h26"
        strokeWidth: 7
    }
    Stroke {
        d: "M172 112h152a22 22 0 0 1 22 22v70a22 22 0 0 1-22 22h-106l-38 36v-36h-8a22 22 0 0 1-22-22v-70a22 22 0 0 1 22-22z"
        fillColor: Tokens.accent
        strokeColor: Tokens.panel
        strokeWidth: 10
    }
    Stroke {
        d: "M192 169v.1 M220 169v.1 M248 169v.1 M276 169v.1 M304 169v.1"
        strokeColor: Tokens.inkOnAccent
        strokeWidth: 15
    }
}
