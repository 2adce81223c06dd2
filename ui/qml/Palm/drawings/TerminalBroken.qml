import QtQuick
import Palm

// A card reader that does not answer.
Drawing {
    Stroke {
        d: "M130 50h140a28 28 0 0 1 28 28v240a28 28 0 0 1-28 28h-140a28 28 0 0 1-28-28v-240a28 28 0 0 1 28-28z"
        fillColor: Tokens.raised
    }
    Stroke {
        d: "M136 88h128v84h-128z M148 220v.1 M200 220v.1 M252 220v.1 M148 264v.1 M200 264v.1 M252 264v.1"
        strokeWidth: 10
    }
    Stroke {
        d: "M288 250l72 124h-144z"
        fillColor: Tokens.caution
        strokeColor: Tokens.panel
        strokeWidth: 10
    }
    Stroke {
        d: "M288 298v34 M288 352v.1"
        strokeColor: Tokens.ground
        strokeWidth: 11
    }
}
