#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# FRR BGP beside shunt, to look at. README.md explains the configurations; lab-adverts.sh is the lab.

# shellcheck disable=SC2034
LAB_DEFAULT=frrbgp

routing() {
	frr edge "$HERE/router.conf" bfdd bgpd
	frr director "$HERE/frr.conf" bfdd bgpd
}

# shellcheck source-path=SCRIPTDIR source=../lab-adverts.sh
. "$(dirname "$0")/../lab-adverts.sh"
lab_main "$@"
