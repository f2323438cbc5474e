/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer's entry to the file: any bytes give a configuration or a whole error.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config = NULL;
	struct file_error error;
	char text[1024];

	if (!file_parse("f", (const char *)data, size, &config, &error))
		config_free(config);
	else if (config || !error.text[0] || !file_error_format(&error, text, sizeof(text)) ||
		 text[strlen(text) - 1] != '\n')
		abort();
	return 0;
}
