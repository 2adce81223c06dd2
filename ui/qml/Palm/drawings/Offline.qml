import QtQuick
import Palm

// The connection to the service is interrupted.
Drawing {
    Stroke {
        d: "M124 246a66 66 0 0 1-8-131 92 92 0 0 1 176-6 70 70 0 0 1 2 137z"
        fillColor: Tokens.raised
    }
    Stroke {
        d: "M146 322v.1 M200 322v.1 M254 322v.1"
        strokeColor: Tokens.accent
        strokeWidth: 18
    }
    Stroke {
        d: "M168 152l64 64 M232 152l-64 64"
        strokeColor: Tokens.caution
        strokeWidth: 12
    }
}
