import QtQuick
import Palm

// A bin: everything is deleted.
Drawing {
    Stroke {
        d: "M108 142h184l-15 206a22 22 0 0 1-22 20h-110a22 22 0 0 1-22-20z"
        fillColor: Tokens.raised
    }
    Stroke {
        d: "M84 118l220-40 M164 96l-4-22a14 14 0 0 1 12-16l44-8a14 14 0 0 1 16 12l4 20"
        strokeWidth: 9
    }
    Stroke {
        d: "M168 190l6 126 M232 190l-6 126"
        strokeColor: Tokens.accent
        strokeWidth: 9
    }
}
