import QtQuick

// An amount of money in figures of equal width. A long amount becomes smaller instead of wrapping.
Label {
    required property var money

    text: money ? money.text : ""
    font.pixelSize: Tokens.amount
    font.weight: Font.DemiBold
    font.letterSpacing: -2
    font.features: {
        "tnum": 1
    }
    fontSizeMode: Text.HorizontalFit
    minimumPixelSize: Tokens.heading
    wrapMode: Text.NoWrap
}
