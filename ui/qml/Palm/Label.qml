import QtQuick

// Words on the screen. Wraps, never cuts off, follows the direction of its language.
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
