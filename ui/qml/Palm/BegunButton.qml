import Palm

// The way of a shopper who has begun to sign up on their phone.
QuietButton {
    sign: "phone"
    text: qsTr("I began on my phone")
}
