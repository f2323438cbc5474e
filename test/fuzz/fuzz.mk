# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Fuzzing, included by the Makefile. What it finds is kept in build/fuzz/ and replayed by the next run.

FUZZ_SECONDS ?= 60
FUZZ_SRC     := test/fuzz/file_fuzz.c $(wildcard ctl/file/*.c) netlink/addr.c
FUZZ_BIN     := build/fuzz/file_fuzz

fuzz: $(FUZZ_BIN) ## the file parser under libFuzzer for a minute (FUZZ_SECONDS=)
	@mkdir -p build/fuzz/corpus
	$(Q)$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -max_len=16384 -dict=test/fuzz/file.dict \
	    -artifact_prefix=build/fuzz/ -print_final_stats=1 build/fuzz/corpus test/files/good test/files/broken

$(FUZZ_BIN): $(FUZZ_SRC) $(wildcard ctl/file/*.h)
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)$(CLANG) -O1 -g -std=gnu17 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined \
	    -fno-sanitize-recover=undefined -Iinclude $(CTL_INC) -o $@ $(FUZZ_SRC) $$(pkg-config --libs yaml-0.1)

.PHONY: fuzz
