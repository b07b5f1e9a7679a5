# wordahead. `make help` lists the targets; `make demo` and `make check` are the two to begin with.
#
# Settings, on the command line or in the environment:
#   VARIANT  release | debug | san (AddressSanitizer and UBSan) | tsan (ThreadSanitizer) | cov (coverage) | fuzz
#   CC       gcc or clang
#   PREFIX   where `make install` puts things; DESTDIR is put before it
#   CI       not empty: warnings are errors
#   Q        empty shows the commands: make Q=
VARIANT ?= release
PREFIX  ?= /usr/local
Q       ?= @
ifeq ($(origin CC),default)
CC := gcc
endif

VERSION := $(shell sed -n 's/^\#define WA_VERSION *"\(.*\)"/\1/p' src/wordahead.h)
SONAME  := libwordahead.so.0
# Another compiler than gcc gets a folder of its own.
B       := build/$(VARIANT)$(addprefix -,$(filter-out gcc,$(notdir $(lastword $(CC)))))

# ---------------------------------------------------------------- flags
PACKAGES := libisal libxxhash zlib jansson yaml-0.1
PKG      := $(shell command -v pkg-config 2>/dev/null)

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wcast-qual -Wundef \
            -Wwrite-strings -Wformat=2 -Wpointer-arith -Wno-missing-field-initializers
ifneq ($(CI),)
WARNINGS += -Werror
endif

# No contraction: a product and a sum are one fused operation only where the code says fmaf(), so every build gives the same bits.
FLAGS_release := -O2 -DNDEBUG
FLAGS_debug   := -O0 -g
FLAGS_san     := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan    := -O1 -g -fsanitize=thread
FLAGS_cov     := -O0 -g --coverage
FLAGS_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
ifeq ($(FLAGS_$(VARIANT)),)
$(error VARIANT is $(VARIANT), and there are release, debug, san, cov and fuzz)
endif
ALL_CFLAGS    := -std=c11 -D_XOPEN_SOURCE=700 -Isrc -fPIC -fvisibility=hidden -ffp-contract=off $(FLAGS_$(VARIANT)) $(WARNINGS) \
                 -DWA_PREFIX='"$(PREFIX)"' $(if $(PKG),$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)) $(CFLAGS)
ALL_LDFLAGS   := $(filter -fsanitize% --coverage,$(FLAGS_$(VARIANT))) $(LDFLAGS)
LIBS          := $(if $(PKG),$(shell pkg-config --libs $(PACKAGES) 2>/dev/null)) -lunistring -lpthread -lm
# The program's own; its server loads libmicrohttpd when it is wanted, as that would cost every other verb a millisecond.
CLI_LIBS      := -ldl
CHECK_LIBS     = $(shell pkg-config --libs check)

# ---------------------------------------------------------------- lists
LIB_SOURCES  := $(filter-out src/math/kernels_simd.c,$(sort $(wildcard src/base/*.c src/math/*.c src/data/*.c src/model/*.c src/task/*.c)))
# What only the program has: pages, figures and the server need no place in the library.
CLI_SOURCES  := $(sort $(wildcard src/report/*.c src/serve/*.c src/cli/*.c))
UNIT_SOURCES := $(sort $(wildcard tests/unit/*.c tests/unit/*/*.c))
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.c))
CLI_OBJECTS  := $(CLI_SOURCES:%.c=$(B)/%.o)
# The C tests also look at what is only in the program, but for its command line.
UNIT_OBJECTS := $(UNIT_SOURCES:%.c=$(B)/%.o) $(filter-out $(B)/src/cli/%,$(CLI_OBJECTS))
BENCH_OBJECTS := $(patsubst %.c,$(B)/%.o,$(filter-out %/certify.c %/distribution.c %/clients.c,$(sort $(wildcard tests/bench/*.c))))
C_FILES      := $(sort $(wildcard src/*.h src/*/*.c src/*/*.h tests/*/*.c tests/*/*.h tests/*/*/*.c tests/*/*/*.h docs/examples/*.c))

# The kernels are compiled once for each instruction set they know; src/math/kernels.c chooses at run time.
SIMD_x86_64  := kernels_ref_fma kernels_avx2 kernels_avx512
SIMD_aarch64 := kernels_neon
FLAGS_kernels_ref_fma := -mfma
FLAGS_kernels_avx2    := -mavx2 -mfma
FLAGS_kernels_avx512  := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx2 -mfma -mprefer-vector-width=512
SIMD_OBJECTS := $(patsubst %,$(B)/src/math/%.o,$(SIMD_$(shell $(CC) -dumpmachine | cut -d- -f1)))
LIB_OBJECTS  := $(LIB_SOURCES:%.c=$(B)/%.o) $(SIMD_OBJECTS)

# The built-in model as the program opens it fastest: the vectors unpacked. The same for every variant.
MODEL := build/models/english

# Of `make check-browser`; PAGES='report steps' runs these only.
BROWSER_DRIVER := build/browser/node_modules/playwright-core/package.json

VALGRIND := valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible

# A make inside a recipe: on all processors, unless the caller said how many.
MAKE_ALL = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))

# ---------------------------------------------------------------- building
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all tests demo demo-now check check-unit check-cli check-golden check-identity check-crash check-serve check-readme check-example check-cluster check-browser check-valgrind certify bench fuzz fuzz-now lint format install clean help always

all: $(B)/wordahead $(B)/libwordahead.a $(B)/libwordahead.so $(MODEL)/model.yaml  ## build the library, the program and its model

tests: all $(B)/unit $(B)/certify $(B)/distribution $(B)/bench $(B)/clients $(B)/examples/rank $(FUZZ_SOURCES:%.c=$(B)/%.o)

$(B)/wordahead: $(CLI_OBJECTS) $(B)/libwordahead.a
	@echo "  LD  $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) $(CLI_LIBS)

$(B)/libwordahead.a: $(LIB_OBJECTS)
	@echo "  AR  $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libwordahead.so: $(LIB_OBJECTS)
	@echo "  LD  $@"
	$(Q)$(CC) -shared -Wl,-soname,$(SONAME) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
	$(Q)ln -sf $(@F) $(@D)/$(SONAME)

$(B)/unit: $(UNIT_OBJECTS) $(B)/libwordahead.a
	@echo "  LD  $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CHECK_LIBS) $(LIBS) $(CLI_LIBS)

$(B)/certify $(B)/distribution $(B)/clients: $(B)/%: $(B)/tests/bench/%.o $(B)/libwordahead.a
	@echo "  LD  $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/bench: $(BENCH_OBJECTS) $(B)/libwordahead.a
	@echo "  LD  $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/examples/%: $(B)/docs/examples/%.o $(B)/libwordahead.a
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/tests/unit/%.o: private ALL_CFLAGS += -Itests/unit

# Optimised in every variant: the plain kernels under a sanitizer would take minutes.
$(B)/src/math/kernels_ref.o $(SIMD_OBJECTS): private ALL_CFLAGS += -O3

$(B)/src/math/kernels_ref_fma.o: src/math/kernels_ref.c
$(filter-out %_ref_fma.o,$(SIMD_OBJECTS)): src/math/kernels_simd.c
$(SIMD_OBJECTS): $(B)/src/math/%.o: $(B)/settings
	@mkdir -p $(@D)
	@echo "  CC  $(filter %.c,$^) $(FLAGS_$*)"
	$(Q)$(CC) $(ALL_CFLAGS) $(FLAGS_$*) -DWA_KERNELS_NAME=wa_$* -DWA_KERNELS_TEXT='"$(*:kernels_%=%)"' -MMD -MP -c -o $@ $(filter %.c,$^)

$(B)/%.o: %.c $(B)/settings
	@mkdir -p $(@D)
	@echo "  CC  $<"
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# What WA_ASSET() takes in is no include that the compiler would tell of.
$(B)/src/report/page.o: $(wildcard src/report/*.css src/report/*.js)
$(B)/src/serve/server.o: $(wildcard src/serve/*.html src/serve/*.css src/serve/*.js)

# Changes only when the flags do, and then everything is compiled again. Several makes may look at once, so each has a file of its own.
$(B)/settings: always
	@mkdir -p $(@D)
	$(Q)CC='$(CC)' tools/bootstrap --dry-run build
	$(Q)new=$@.$$$$ && printf '%s\n' '$(subst ','"'"',$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(LIBS))' >$$new && \
	    if cmp -s $$new $@; then rm $$new; else mv $$new $@; fi

-include $(LIB_OBJECTS:.o=.d) $(CLI_OBJECTS:.o=.d) $(UNIT_OBJECTS:.o=.d) $(wildcard $(B)/docs/examples/*.d $(B)/tests/bench/*.d $(B)/tests/fuzz/*.d)

# A program that looks for the model while it is made finds model.yaml with all it names, or none; and two makes may make it at once.
$(MODEL)/model.yaml: models/english/model.yaml $(MODEL)/vectors.bin $(MODEL)/weights.safetensors
	@echo "  MODEL  $(@D)"
	$(Q)sed 's/vectors\.bin\.gz/vectors.bin/' $< >$@.$$$$ && grep -q 'file: vectors\.bin ' $@.$$$$ && mv $@.$$$$ $@

$(MODEL)/vectors.bin: models/english/vectors.bin.gz
	@mkdir -p $(@D)
	$(Q)gzip -dc $< >$@.$$$$ && mv $@.$$$$ $@

# The same file under another name, where the file system can do that.
$(MODEL)/weights.safetensors: models/english/weights.safetensors
	@mkdir -p $(@D)
	$(Q)ln -f $< $@ 2>/dev/null || { cp $< $@.$$$$ && mv $@.$$$$ $@; }

# ---------------------------------------------------------------- using
# The packages are looked for when make starts, so what installs them is followed by a make of its own.
demo:  ## words that may follow five sentences, and a page about one of them (installs what is missing)
	$(Q)CC='$(CC)' tools/bootstrap build
	+$(Q)$(MAKE_ALL) all
	+$(Q)$(MAKE) --no-print-directory demo-now

demo-now:
	$(Q)$(B)/wordahead rank -k 5 "She looked out of the" "It was a dark and stormy" "The cat sat on the" \
	    "She closed her" "The ship sailed into the"
	$(Q)mkdir -p build/demo
	$(Q)$(B)/wordahead explain "The cat sat on the" -o build/demo/report.html
	@echo 'build/demo/report.html shows how the words after "The cat sat on the" are found'

install: all  ## put program, library, header and model under PREFIX
	$(Q)install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/include' '$(DESTDIR)$(PREFIX)/lib/pkgconfig' \
	    '$(DESTDIR)$(PREFIX)/share/wordahead/models/english'
	$(Q)install -m 755 $(B)/wordahead '$(DESTDIR)$(PREFIX)/bin/'
	$(Q)install -m 644 src/wordahead.h '$(DESTDIR)$(PREFIX)/include/'
	$(Q)install -m 644 $(B)/libwordahead.a '$(DESTDIR)$(PREFIX)/lib/'
	$(Q)install -m 755 $(B)/libwordahead.so '$(DESTDIR)$(PREFIX)/lib/libwordahead.so.$(VERSION)'
	$(Q)ln -sf libwordahead.so.$(VERSION) '$(DESTDIR)$(PREFIX)/lib/$(SONAME)'
	$(Q)ln -sf $(SONAME) '$(DESTDIR)$(PREFIX)/lib/libwordahead.so'
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'Name: wordahead' 'Description: ranked next words from Word2Vec vectors' \
	    'Version: $(VERSION)' 'Requires.private: $(PACKAGES)' 'Libs: -L$${prefix}/lib -lwordahead' \
	    'Libs.private: -lunistring -lpthread -lm' 'Cflags: -I$${prefix}/include' >'$(DESTDIR)$(PREFIX)/lib/pkgconfig/wordahead.pc'
	$(Q)install -m 644 models/english/README.md $(MODEL)/* '$(DESTDIR)$(PREFIX)/share/wordahead/models/english/'

# ---------------------------------------------------------------- checking
check:  ## every test, plain and under sanitizers (installs what is missing)
	$(Q)CC='$(CC)' tools/bootstrap test
	+$(Q)MAKE_ALL='$(MAKE_ALL)' tools/check release san

# A process for each test is dear under the sanitizers, which look through all memory at the end of every one; release has them.
check-unit: $(B)/unit  ## the C tests of one VARIANT
	$(Q)$(if $(filter san,$(VARIANT)),CK_FORK=no )tests/unit/run $(B)/unit

check-cli: $(B)/wordahead $(MODEL)/model.yaml  ## the cases of tests/cli
	$(Q)tests/cli/run $(B)/wordahead

check-golden: $(B)/wordahead  ## reference numbers of tests/golden
	$(Q)tests/golden/run $(if $(filter san,$(VARIANT)),--quick) $(B)/wordahead

check-identity: $(B)/wordahead  ## the same bytes on any threads, any batch, any kernels
	$(Q)tests/identity/run $(if $(filter release,$(VARIANT)),,--quick) $(B)/wordahead

check-crash: $(B)/wordahead  ## runs that are killed, KILLS=N times each, and go on
	$(Q)tests/crash/run $(B)/wordahead --kills $(or $(KILLS),$(if $(filter san,$(VARIANT)),2,6))

check-serve: $(B)/wordahead $(MODEL)/model.yaml  ## the server, SECONDS=60 of 64 clients at once
	$(Q)tests/serve/run $(B)/wordahead --seconds $(or $(SECONDS),1)

check-readme: all  ## the commands that README.md shows
	$(Q)tools/check-readme $(B)

check-example: $(B)/examples/rank $(B)/wordahead  ## the program of docs/examples
	$(Q)tools/check-example $(B)

check-cluster:  ## tools/cluster under Slurm, Open MPI and GNU parallel, on this machine; not part of check (installs what is missing)
	$(Q)CC='$(CC)' tools/bootstrap cluster
	+$(Q)$(MAKE_ALL) all
	$(Q)tests/cluster/run $(B)/wordahead

check-browser:  ## pages in Chromium; not part of check (installs what is missing)
	$(Q)CC='$(CC)' tools/bootstrap browser
	+$(Q)$(MAKE_ALL) all $(BROWSER_DRIVER)
	$(Q)tests/browser/run $(B)/wordahead $(PAGES)

# What drives the browser, as the lock file has it; no browser is downloaded.
$(BROWSER_DRIVER): tests/browser/package.json tests/browser/package-lock.json
	@mkdir -p build/browser
	$(Q)cp $^ build/browser/
	$(Q)cd build/browser && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	$(Q)touch $@

# What docs/MODEL.md, "Certified ranking", proves, looked at: CONTEXTS beginnings of lines of a file, with and without probabilities.
certify: $(B)/certify  ## rank TEXTS=FILE with and without probabilities, and compare
	$(Q)$(B)/certify '$(or $(MODEL),models/english)' '$(or $(TEXTS),tests/golden/english/sample.txt)' $(or $(CONTEXTS),10000)

bench: $(B)/bench  ## a JSON line for each workload; BENCH='--seconds 5 rank/*' are its arguments
	$(Q)$(B)/bench $(BENCH)

$(B)/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(B)/tests/fuzz/fuzz.o $(B)/libwordahead.a
	@echo "  LD  $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

check-valgrind:  ## unit and command-line tests under valgrind (installs what is missing)
	$(Q)CC='$(CC)' tools/bootstrap valgrind
	+$(Q)$(MAKE_ALL) all $(B)/unit
	$(Q)UNDER='$(VALGRIND)' CK_FORK=no tests/unit/run $(B)/unit
	$(Q)UNDER='$(VALGRIND)' CASE_SECONDS=1200 tests/cli/run $(B)/wordahead

fuzz-now: $(FUZZ_SOURCES:tests/fuzz/%.c=$(B)/%)
	$(Q)tests/fuzz/run $(B) $^

fuzz:  ## random input for the readers, FUZZ_SECONDS for each (installs what is missing)
	$(Q)CC=clang tools/bootstrap fuzz
	+$(Q)$(MAKE_ALL) VARIANT=fuzz CC=clang fuzz-now

lint:  ## layers, symbols, format, both compilers (installs what is missing)
	$(Q)tools/bootstrap lint
	+$(Q)MAKE_ALL='$(MAKE_ALL)' tools/lint $(C_FILES)

format:  ## rewrite the sources as .clang-format says
	$(Q)clang-format -i $(C_FILES)

clean:  ## remove what was built
	rm -rf build

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16
