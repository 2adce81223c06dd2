import QtQuick
import Palm

// A member of staff.
Drawing {
    Stroke {
        d: "M66 372c6-84 58-124 134-124s128 40 134 124z"
        fillColor: Tokens.raised
    }
    Stroke {
        d: "M154 254l46 62 46-62 22 10 12 108h-160l12-108z"
        fillColor: Tokens.accent
        strokeColor: "transparent"
        strokeWidth: 0
    }
    Stroke {
        d: "M154 254l46 62 46-62"
    }
    Stroke {
        d: "M200 58a76 76 0 1 0 .1 0z"
        fillColor: Tokens.raised
    }
    Stroke {
        d: "M112 138a88 88 0 0 1 176 0 M112 138v24 M288 138v24c0 30-20 46-50 46"
        strokeWidth: 9
        strokeColor: Tokens.accent
    }
    Stroke {
        d: "M172 154c14 14 42 14 56 0"
        strokeWidth: 7
    }
}
