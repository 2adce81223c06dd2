import QtQuick
import Palm

// A payment whose outcome is not known yet.
Drawing {
    Stroke {
        d: "M96 40h176v310l-29-22-29 22-30-22-29 22-30-22-29 22z"
        fillColor: Tokens.raised
    }
    Stroke {
        d: "M134 104h100 M134 156h100 M134 208h52"
        strokeWidth: 9
    }
    Stroke {
        d: "M288 204a72 72 0 1 0 .1 0z"
        fillColor: Tokens.accent
        strokeColor: Tokens.panel
        strokeWidth: 10
    }
    Stroke {
        d: "M288 238v42l28 18"
        strokeColor: Tokens.inkOnAccent
        strokeWidth: 11
    }
}
