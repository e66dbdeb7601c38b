# SPDX-License-Identifier: MIT
# what the pages build: objects and a library in $(OUT)
$(OUT)/lib.a: $(patsubst %.c,$(OUT)/%.o,$(wildcard *.c))
	ar cr $@ $^
$(OUT)/%.o: %.c
	mkdir -p $(OUT) && gcc -c -o $@ $<
