import QtQuick
import Palm

// A camera that is unplugged.
Drawing {
    Stroke {
        d: "M100 66h200a30 30 0 0 1 30 30v104a30 30 0 0 1-30 30h-200a30 30 0 0 1-30-30v-104a30 30 0 0 1 30-30z"
        fillColor: Tokens.raised
    }
    Stroke {
        d: "M200 96a52 52 0 1 0 .1 0z M200 128a20 20 0 1 0 .1 0z M290 104v.1"
    }
    Stroke {
        d: "M200 230v34 M184 264h32v32h-32z"
    }
    Stroke {
        d: "M184 334h32v26h-32z M192 334v-14 M208 334v-14 M200 360v28"
        strokeColor: Tokens.accent
    }
    Stroke {
        d: "M236 306l28-14 M238 324h32 M164 306l-28-14 M162 324h-32"
        strokeColor: Tokens.accent
        strokeWidth: 7
    }
}
