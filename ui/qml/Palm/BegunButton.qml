import Palm

// A button for shoppers who have begun to sign up on their phone.
QuietButton {
    sign: "phone"
    text: qsTr("I began on my phone")
}
