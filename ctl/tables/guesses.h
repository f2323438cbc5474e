/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guesses (<shunt/guess.h>) as they are to be, stored while packets go by them.
 */
#ifndef SHUNT_GUESSES_H
#define SHUNT_GUESSES_H

#include <stdbool.h>
#include <stdint.h>

#include "port.h"

/*
 * Makes all of the port's guesses those in `want`, which has as many. First what is to change is closed.
 * Where an entry goes over from one service to another, `wait` is called then, which is to return when
 * all packets that may have seen the former have ended. Returns how many were written.
 */
uint64_t guesses_store(struct port *port, const struct sh_guess *want, void (*wait)(void));

/* Until it is stored anew, packets to that service go by its record. Returns whether its guess was open. */
bool guesses_close(struct port *port, uint32_t service);

#endif
