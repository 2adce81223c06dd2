import QtQuick

// One line of the self-test: a part of the kiosk, what was found about it, and the remedy.
Item {
    id: check

    // A kiosk.screens.Check.
    required property var modelData

    readonly property list<string> words: found(modelData.finding, modelData.values)

    height: Math.max(icon.height, said.height)

    function part(name: string): string {
        switch (name) {
        case "camera":
            return qsTr("Camera");
        case "mounting":
            return qsTr("Mounting");
        case "infrared":
            return qsTr("Near infrared");
        case "light":
            return qsTr("Light ring");
        case "terminal":
            return qsTr("Card terminal");
        case "till":
            return qsTr("Till");
        case "gate":
            return qsTr("Gate");
        case "venue":
            return qsTr("Venue");
        case "service":
            return qsTr("Service");
        case "life_check":
            return qsTr("Life check");
        case "vault_key":
            return qsTr("Vault key");
        case "clock":
            return qsTr("Clock");
        case "activation":
            return qsTr("Activation");
        case "lock":
            return qsTr("Locked");
        case "enclosure":
            return qsTr("Case");
        case "usb":
            return qsTr("USB");
        case "models":
            return qsTr("Palm models");
        case "keys":
            return qsTr("Keys");
        case "disk":
            return qsTr("Disk");
        }
        return "";
    }

    function number(value: real, decimals: int): string {
        return value.toLocaleString(Qt.locale(), "f", decimals);
    }

    // What was found and, where something is wrong, the remedy.
    function found(finding: string, values: var): list<string> {
        switch (finding) {
        case "fault":
            return [values[0], values[1]];
        case "opening":
            return [qsTr("Opening %1.").arg(values[0])];
        case "delivers":
            return [values[0]];
        case "palm_wanted":
            return [qsTr("Hold your right palm to the camera, with the fingers up.")];
        case "upright":
            return [qsTr("Hands are seen upright.")];
        case "no_ring":
            return [qsTr("None: no light tells whether a hand is alive.")];
        case "ring_lit":
            return [qsTr("%1, lit and out in %2 ms.").arg(values[0]).arg(number(values[1], 0))];
        case "takes_cards":
            return [qsTr("Takes cards.")];
        case "reader_ready":
            return [qsTr("%1 takes cards.").arg(values[0])];
        case "reader_fault":
            return reader(values[0], values[1]);
        case "reader_not_bound":
            return [qsTr("The service has bound no reader %1 to this kiosk.").arg(values[0]), qsTr("On the service's machine: palm-cloud staff bind-reader %1 %2. Or correct terminal in the settings.").arg(values[1]).arg(values[0])];
        case "reader_unknown_state":
            return [qsTr("How %1 is cannot be told: the service does not say.").arg(values[0]), qsTr("Mend what is wrong with the service, then test again.")];
        case "no_terminal":
            return [qsTr("None: shoppers save their card with their own phone.")];
        case "takes_test_cards":
            return [qsTr("Simulated: takes test cards only.")];
        case "till_door":
            return [qsTr("Tills reach it at port %1, and get its certificate there as /certificate.pem (SHA-256): %2").arg(values[0]).arg(values[1])];
        case "till_without_key":
            return [qsTr("No till can speak with this kiosk: it has no key."), qsTr("Write one into %1 (docs/integrations/till.md).").arg(values[0])];
        case "till_shut_out":
            return [qsTr("Port %1 cannot be listened on: %2.").arg(values[0]).arg(values[1]), qsTr("End the program that uses it, or set another port under [till] in the settings.")];
        case "no_door":
            return [qsTr("The service does not know what this kiosk stands at."), values.length > 0 ? qsTr("On the service's machine: palm-cloud staff set-door %1 KIND NAME (docs/integrations/gates.md).").arg(values[0]) : qsTr("Activate the kiosk first.")];
        case "at_door":
            return [values[0] === "" ? qsTr("A desk.") : (values[1] === "exit" ? qsTr("%1, on the way out.") : qsTr("%1, on the way in.")).arg(values[0])];
        case "venue_online":
            return [qsTr("Answers. Tickets on the list: %1. Passages to be told: %2.").arg(number(values[0], 0)).arg(number(values[1], 0))];
        case "venue_away":
            return [qsTr("Does not answer. Tickets on the list: %1. Passages to be told: %2.").arg(number(values[0], 0)).arg(number(values[1], 0)), qsTr("Check the network. What is to be told is told as soon as it answers.")];
        case "venue_not_signed_on":
            return [qsTr("The kiosk is no device of pretix yet."), qsTr("Press Sign on at pretix, and show the code that pretix has for this gate.")];
        case "venue_no_list":
            return [qsTr("No check-in list is chosen for this gate."), qsTr("Press Sign on at pretix, and choose one.")];
        case "venue_not_allowed":
            return [qsTr("pretix does not let this kiosk use its list."), qsTr("Give the device access in pretix, or sign the kiosk on again.")];
        case "venue_stores_nothing":
            return [qsTr("No passage can be recorded, so no ticket opens the gate."), qsTr("Make room on the disk, or check it.")];
        case "venue_conflicts":
            return [qsTr("Passages that pretix does not agree with: %1.").arg(number(values[0], 0)), qsTr("See them with ./run kiosk venue conflicts, and settle them in pretix.")];
        case "offline":
            return unanswered(values[0], values[1], values[2]);
        case "service_stopped":
            return [qsTr("The kiosk's own service does not start."), values[0]];
        case "service_stores_nothing":
            return [qsTr("The service can store nothing: %1.").arg(disk(values[0])[0]), qsTr("On the service's machine: %1").arg(disk(values[0])[1])];
        case "service_failed":
            return [qsTr("Answers, but not as it should: %1.").arg(values[0]), qsTr("Look into the service's log, and compare the versions of kiosk and service.")];
        case "answered":
            return [qsTr("Version %1, answered in %2 ms.").arg(values[0]).arg(number(values[1], 0))];
        case "ring_demanded":
            return [qsTr("The service demands a light ring."), qsTr("Attach one (docs/light-ring.md), or set liveness = \"when_present\" on the service.")];
        case "life_demanded":
            return [qsTr("Demanded of every palm.")];
        case "life_with_ring":
            return [qsTr("Made under this kiosk's ring. The service also accepts palms without a light check."), qsTr("Once every kiosk has a ring, set liveness = \"required\" on the service.")];
        case "life_unchecked":
            return [qsTr("Not made: a printed palm can pass for a hand."), qsTr("Attach a light ring (docs/light-ring.md), then set liveness = \"required\" on the service.")];
        case "key":
            return [qsTr("%1, %2").arg(values[0]).arg(values[1])];
        case "clock_right":
            return [qsTr("%1 s from the service's.").arg(number(values[0], 1))];
        case "clock_wrong":
            return [qsTr("%1 s from the service's.").arg(number(values[0], 1)), qsTr("Switch the system's time synchronisation on.")];
        case "not_activated":
            return [qsTr("Not activated."), qsTr("Press Activate device. On the service's machine, palm-cloud staff activation-code makes the code.")];
        case "activated":
            return [qsTr("%1, %2").arg(values[0]).arg(values[1])];
        case "locked_case":
            return [qsTr("The case was opened, %1.").arg(values[0]), qsTr("Close it, and have its contact reset. Then press Activate device: the operator has the code.")];
        case "locked_camera":
            return [qsTr("Another camera was put in, %1: %2.").arg(values[1]).arg(values[0]), qsTr("Look at it. Then press Activate device: the operator has the code, and the camera that is there then belongs here.")];
        case "locked_usb":
            return [qsTr("%1 was plugged in, %2: %3.").arg(plugged(values[1])).arg(values[2]).arg(values[0]), qsTr("Pull out what does not belong here. Then press Activate device: the operator has the code, and what is plugged in then belongs here.")];
        case "case_open":
            return [qsTr("Open, or opened since its contact was reset."), qsTr("Close it, and reset its contact: %1.").arg(values[0])];
        case "case_closed":
            return [qsTr("Closed.")];
        case "usb_plugged":
            return [values[0] ? qsTr("Plugged in: %1. It belongs here once the kiosk is activated.").arg(values[0]) : qsTr("Nothing is plugged in.")];
        case "usb_belongs":
            return [qsTr("Devices: %1. All of them belong here.").arg(number(values[0], 0))];
        case "usb_storage":
            return [qsTr("A memory stick is plugged in: %1.").arg(values[0]), qsTr("Pull it out when you have what you need.")];
        case "models_missing":
            return [qsTr("Missing."), values[0]];
        case "models_there":
            return [values[0]];
        case "room":
            return [qsTr("%1 MB free.").arg(number(values[0], 0))];
        case "no_room":
            return [qsTr("%1 MB free.").arg(number(values[0], 0)), qsTr("Make room in %1.").arg(values[1])];
        case "stores_nothing":
            return [qsTr("Nothing can be stored in %1: %2.").arg(values[1]).arg(disk(values[0])[0]), disk(values[0])[1]];
        case "entries_unreadable":
            return [qsTr("%1 entries of the journal cannot be read.").arg(values[0]), qsTr("Each is named after its sale, in %1. The service is asked about it. If it does not know the sale, ask the payment provider, and remove the file only if nothing was charged: at the next start the till is told so.").arg(values[1])];
        case "keys_sealed":
            return [qsTr("Sealed by the TPM %1 to the way in which this machine was started.").arg(values[0])];
        case "keys_in_any_boot_state":
            return [qsTr("Sealed by the TPM %1, however this machine was started.").arg(values[0]), qsTr("After the update, restart the machine: they are sealed to its new state then.")];
        case "keys_in_file":
            return [qsTr("No TPM seals them. The permissions of a file alone protect them: who takes the disk has them."), qsTr("Switch the TPM on in the firmware and restart the machine. If this kiosk is stolen, revoke it at once.")];
        case "keys_may_be_swapped":
            return [qsTr("This machine swaps memory out to a disk, and the kiosk's is not locked: keys and pictures may be among it."), qsTr("Switch swap off, or have LimitMEMLOCK=infinity in the kiosk's unit, and restart it.")];
        case "pin_unreadable":
            return [qsTr("%1 is damaged or cannot be read.").arg(values[0]), qsTr("Correct its permissions, or restore it from a backup. Or remove it, and choose a new PIN at once.")];
        }
        return [];
    }

    // What was plugged in.
    function plugged(kind: string): string {
        switch (kind) {
        case "keyboard":
            return qsTr("A keyboard or a mouse");
        case "network":
            return qsTr("A network card or a modem");
        case "camera":
            return qsTr("A camera");
        }
        return qsTr("An unknown device");
    }

    // Why nobody answers, and the remedy. A certificate is judged by this machine's clock.
    function unanswered(cause: string, address: string, now: string): list<string> {
        switch (cause) {
        case "not_started":
            return [qsTr("The service has not started yet."), qsTr("Wait a moment. If it stays so, look into the kiosk's log.")];
        case "name_not_found":
            return [qsTr("The name in %1 is not known.").arg(address), qsTr("Correct service.url in the settings, or this machine's DNS.")];
        case "no_route":
            return [qsTr("There is no way to %1.").arg(address), qsTr("Check the network cable and the router.")];
        case "connection_refused":
            return [qsTr("Nothing listens at %1.").arg(address), qsTr("Start the service, and compare its port with service.url in the settings.")];
        case "timed_out":
            return [qsTr("Nothing came back from %1 in time.").arg(address), qsTr("Check the network, the address and any firewall.")];
        case "cut_off":
            return [qsTr("%1 closed the connection before it answered.").arg(address), qsTr("Look into the service's log.")];
        case "not_tls":
            return [qsTr("What listens at %1 does not speak TLS.").arg(address), qsTr("Compare the port with service.url in the settings.")];
        case "unknown_authority":
            return [qsTr("%1 has a certificate of another authority.").arg(address), qsTr("Copy the service's present ca.pem to this machine. If nobody has changed the service, somebody may stand in between.")];
        case "not_yet_valid":
            return [qsTr("By this machine's clock, the certificate of %1 is not valid yet. The clock says %2.").arg(address).arg(now), qsTr("Set the clock, and switch the system's time synchronisation on.")];
        case "expired":
            return [qsTr("By this machine's clock, a certificate of %1 has expired. The clock says %2.").arg(address).arg(now), qsTr("If that is wrong, set the clock. If it is right, start the service again and copy its ca.pem to this machine.")];
        case "other_name":
            return [qsTr("The certificate of %1 is for another name or address.").arg(address), qsTr("Use an address that it names, or add this one to names under [serving] in the service's settings.toml.")];
        case "certificate":
            return [qsTr("The certificate of %1 cannot be accepted. The clock says %2.").arg(address).arg(now), qsTr("Look into the logs of kiosk and service.")];
        }
        return [qsTr("%1 cannot be reached.").arg(address), qsTr("Look into the logs of kiosk and service.")];
    }

    // Why a card reader takes no card, and the remedy.
    function reader(fault: string, name: string): list<string> {
        switch (fault) {
        case "offline":
            return [qsTr("%1 is not connected.").arg(name), qsTr("Check its power and its network. Its own screen shows whether it is online.")];
        case "busy":
            return [qsTr("%1 is doing something else.").arg(name), qsTr("Press Cancel on the reader, and take out any card. If it installs an update, wait until it is done.")];
        case "unknown":
            return [qsTr("Stripe knows no reader %1.").arg(name), qsTr("Compare terminal in the settings with the reader's id in Stripe's dashboard, and with the account whose key the service has.")];
        case "simulated":
            return [qsTr("The service simulates payments, and has no readers."), qsTr("Set stripe_key under [payments] in the service's settings, or terminal = \"sim:\" in this kiosk's.")];
        }
        return [qsTr("%1 reports a fault.").arg(name), qsTr("Restart the reader. If that does not help, look it up in Stripe's dashboard: its location must be in the country of the account.")];
    }

    // What is wrong with a disk, and the remedy.
    function disk(fault: string): list<string> {
        switch (fault) {
        case "full":
            return [qsTr("the disk is full"), qsTr("Make room on the disk.")];
        case "quota":
            return [qsTr("the quota of the disk is used up"), qsTr("Make room, or raise the quota.")];
        case "read_only":
            return [qsTr("the disk is read-only"), qsTr("Mount it writable. If the system made it read-only, check the disk.")];
        }
        return [qsTr("the disk or a file on it is broken"), qsTr("Check the disk and its cable, and restore the files from a backup.")];
    }

    Icon {
        id: icon

        anchors.left: parent.left
        width: 40
        height: 40
        name: check.modelData.health === "good" ? "check" : check.modelData.health === "busy" ? "clock" : "caution"
        colour: check.modelData.health === "good" ? Tokens.accent : check.modelData.health === "busy" ? Tokens.inkSoft : check.modelData.health === "warning" ? Tokens.caution : Tokens.danger
    }
    Label {
        id: name

        anchors.left: icon.right
        anchors.leftMargin: Tokens.tight
        width: 210
        text: check.part(check.modelData.part)
        font.pixelSize: Tokens.small
        font.weight: Font.DemiBold
    }
    Column {
        id: said

        anchors.left: name.right
        anchors.leftMargin: Tokens.tight
        anchors.right: parent.right

        Label {
            width: parent.width
            text: check.words[0] ?? ""
            font.pixelSize: Tokens.small
        }
        Label {
            width: parent.width
            visible: text !== ""
            text: check.words[1] ?? ""
            color: Tokens.inkSoft
            font.pixelSize: Tokens.small
        }
    }
}
