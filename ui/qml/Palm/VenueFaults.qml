pragma Singleton
import QtQuick

// Why a kiosk was not signed on at pretix, and what staff can do about it.
QtObject {
    function words(problem: var, cause: var): string {
        switch (problem) {
        case "no_code_of_pretix":
            return qsTr("This is no code of pretix's for a device. In pretix, open the organizer's devices, and show the code of one that is not connected yet.");
        case "not_safe":
            return qsTr("The address in this code is not encrypted. Serve pretix over https, and show the code again.");
        case "not_accepted":
            return qsTr("pretix does not accept this code: each signs one device on once. Make a new device in pretix, and show its code.");
        case "not_allowed":
            return qsTr("pretix does not know this device any more, or lets it use no event. Look at the device in pretix, or sign on anew.");
        case "no_list":
            return qsTr("The events of this device have no check-in list. Make one in pretix, or give the device another event.");
        case "not_kept":
            return qsTr("This cannot be stored on the kiosk. Check its disk, then try again. If the code is not accepted any more, make a new device in pretix.");
        case "no_authority":
            return qsTr("The file of venue.ca in the kiosk's settings cannot be read. Correct it there.");
        case "no_answer":
            return silence(cause);
        }
        return "";
    }

    function silence(cause: var): string {
        switch (cause) {
        case "name_not_found":
            return qsTr("The name of the server is not known here. Check the network and its DNS.");
        case "no_route":
            return qsTr("There is no way to pretix. Check the network cable and the router.");
        case "connection_refused":
            return qsTr("The server is there, and no pretix answers at it. Check that it runs, and its port.");
        case "timed_out":
            return qsTr("Nothing came back from pretix in time. Check the network and any firewall.");
        case "unknown_authority":
            return qsTr("pretix has a certificate of an authority that is not trusted here. Name the authority's file with venue.ca in the kiosk's settings.");
        case "not_yet_valid":
        case "expired":
            return qsTr("By this kiosk's clock, the certificate of pretix is not valid. Check the clock, then the certificate.");
        case "other_name":
            return qsTr("The certificate of pretix is for another name. Correct the address in pretix's own settings.");
        case "not_tls":
            return qsTr("What listens at this address does not speak https. Check the address in pretix's own settings.");
        }
        return qsTr("pretix does not answer as it should. See whether its address opens in a browser of this network.");
    }
}
