#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# BIRD BGP beside shunt, to look at. README.md explains the configurations; lab-adverts.sh is the lab.

# shellcheck disable=SC2034
LAB_DEFAULT=birdbgp

routing() {
	bird edge "$HERE/router.conf"
	bird director "$HERE/bird.conf"
}

# shellcheck source-path=SCRIPTDIR source=../lab-adverts.sh
. "$(dirname "$0")/../lab-adverts.sh"
lab_main "$@"
