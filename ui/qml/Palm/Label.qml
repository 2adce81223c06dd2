import QtQuick

// Text that wraps instead of being cut off and follows the direction of its language.
Text {
    color: Tokens.ink
    font.family: Tokens.family
    font.pixelSize: Tokens.body
    horizontalAlignment: Text.AlignLeft
    lineHeight: 1.25
    textFormat: Text.PlainText
    wrapMode: Text.Wrap
    Accessible.role: Accessible.StaticText
    Accessible.name: text
}
