# Everything a user or a developer does with the tree. Each target first installs the Debian packages that it misses.
#
#   make demo       builds, installs to a folder of the build, and decodes tokens from a model file with it
#   make test       builds with gcc and clang, warnings as errors, and runs all tests
#   make bench      measures, and compares with the bars
#   make soak       runs the tests with many more random operations, and for AArch64 in an emulator
#   make abi        takes today's binary interface as the one that later builds are compared with
#   make docs       makes the reference of the headers, to be read in a browser
#   make deb-check  builds the Debian packages twice, compares, and uses them in a clean root
#   make memcheck asan tsan fuzz coverage format deb install clean

SHELL = /bin/sh
BUILD = build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60

NEED = sh src/packaging/need
BUILD_PACKAGES = cmake make gcc g++ pkg-config libhwy-dev libxxhash-dev rapidjson-dev
TEST_PACKAGES = $(BUILD_PACKAGES) clang clang-format libcmocka-dev valgrind python3 python3-numpy binutils \
  abigail-tools python3-pip python3-setuptools python3-wheel rustc cargo golang-go
CROSS_PACKAGES = g++-aarch64-linux-gnu qemu-user

# Folder, options of CMake. What passes is told in a line; warnings and errors show.
configure = cmake -S . -B $(1) $(2) >/dev/null
compile = cmake --build $(1) -j $(JOBS) >/dev/null
build = $(call configure,$(1),$(2)) && $(call compile,$(1))
tested = $(call build,$(1),-DINFERMEM_WERROR=ON $(2)) && ctest --output-on-failure -j $(JOBS) --no-tests=error --test-dir $(1)
ADDRESS = address,undefined

.PHONY: all demo test soak bench memcheck asan tsan fuzz coverage format abi docs deb deb-check install clean
.DELETE_ON_ERROR:

all:
	@$(NEED) $(BUILD_PACKAGES)
	@$(call build,$(BUILD)/library,-DINFERMEM_BUILD_TESTS=OFF -DCMAKE_INSTALL_PREFIX=$(PREFIX))

# The library is installed below the build folder, and the demo is compiled against what is there, as a user's is.
demo: STAGE = $(CURDIR)/$(BUILD)/stage
demo:
	@$(NEED) $(BUILD_PACKAGES)
	@echo "demo: building, and installing to $(BUILD)/stage"
	@$(call build,$(BUILD)/demo,-DCMAKE_BUILD_TYPE=Release -DINFERMEM_BUILD_TESTS=OFF -DCMAKE_INSTALL_PREFIX=$(STAGE))
	@cmake --install $(BUILD)/demo >/dev/null
	@$(MAKE) --no-print-directory -s -C bindings/c PREFIX=$(STAGE) OUT=$(CURDIR)/$(BUILD)/demo/decode
	@$(BUILD)/demo/decode tests/data/tiny-llama.gguf

test:
	@$(NEED) $(TEST_PACKAGES)
	@echo "test: all tests, with gcc"
	@$(call tested,$(BUILD)/gcc,-DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++)
	@echo "test: all tests, with clang"
	@$(call tested,$(BUILD)/clang,-DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++)
	@$(MAKE) --no-print-directory memcheck

memcheck:
	@$(NEED) $(TEST_PACKAGES)
	@echo "memcheck: the unit tests under Valgrind"
	@$(call tested,$(BUILD)/memcheck,-DINFERMEM_MEMCHECK=ON)

asan:
	@$(NEED) $(TEST_PACKAGES)
	@echo "asan: the tests under AddressSanitizer and UndefinedBehaviorSanitizer"
	@$(call tested,$(BUILD)/asan,-DINFERMEM_SANITIZE=$(ADDRESS))

tsan:
	@$(NEED) $(TEST_PACKAGES)
	@echo "tsan: the tests under ThreadSanitizer"
	@$(call tested,$(BUILD)/tsan,-DINFERMEM_SANITIZE=thread)

# Times the usual number of random operations and groups, from as many seeds; then once, what an emulator can run.
soak: export INFERMEM_SOAK = 20
soak:
	@$(NEED) $(TEST_PACKAGES) $(CROSS_PACKAGES)
	@echo "soak: all tests, with $(INFERMEM_SOAK) times the random operations"
	@$(call tested,$(BUILD)/gcc,-DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++)
	@echo "soak: the tests on AArch64, in QEMU"
	@INFERMEM_SOAK=1; $(call tested,$(BUILD)/aarch64,-DCMAKE_TOOLCHAIN_FILE=tests/cross/aarch64.cmake --no-warn-unused-cli)

bench:
	@$(NEED) $(BUILD_PACKAGES) libbenchmark-dev libmimalloc-dev
	@$(call build,$(BUILD)/bench,-DCMAKE_BUILD_TYPE=Release -DINFERMEM_BUILD_TESTS=OFF -DINFERMEM_BUILD_BENCH=ON)
	@$(BUILD)/bench/tests/bench
	@$(BUILD)/bench/tests/bench_kernels
	@$(BUILD)/bench/tests/kv_quality tests/data/tiny-llama.gguf

fuzz:
	@$(NEED) $(TEST_PACKAGES) libclang-rt-14-dev
	@$(call build,$(BUILD)/fuzz,-DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DINFERMEM_BUILD_TESTS=OFF \
	  -DINFERMEM_WERROR=ON -DINFERMEM_BUILD_FUZZ=ON -DINFERMEM_SANITIZE=$(ADDRESS))
	@for target in $(BUILD)/fuzz/tests/*_fuzz; do \
	  name=$$(basename $$target _fuzz); mkdir -p $(BUILD)/fuzz/found/$$name; \
	  echo "fuzz: $$name for $(FUZZ_SECONDS) s"; \
	  $$target -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0 \
	    -artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/fuzz/found/$$name tests/fuzz/corpus/$$name || exit 1; \
	done

coverage:
	@$(NEED) $(TEST_PACKAGES) gcovr
	@find . -path './$(BUILD)/coverage/*' -name '*.gcda' -delete
	@$(call tested,$(BUILD)/coverage,-DCMAKE_BUILD_TYPE=Debug -DINFERMEM_COVERAGE=ON)
	@gcovr --root . --filter src/ $(BUILD)/coverage
	@gcovr --root . --filter src/ --exclude-unreachable-branches --branches $(BUILD)/coverage | tail -n 3

format:
	@$(NEED) clang-format
	@git ls-files -co --exclude-standard '*.h' '*.hh' '*.c' '*.cc' | xargs clang-format -i

abi:
	@$(NEED) $(BUILD_PACKAGES) abigail-tools
	@$(call build,$(BUILD)/abi,-DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++ -DINFERMEM_BUILD_TESTS=OFF)
	@sh src/abi/baseline $(BUILD)/abi/src/libinfermem.so include src/abi/libinfermem.abi

docs:
	@$(NEED) doxygen
	@mkdir -p $(BUILD)/docs
	@INFERMEM_DOCS=$(BUILD)/docs doxygen src/doc/Doxyfile
	@echo "docs: $(BUILD)/docs/index.html"

deb:
	@$(NEED) $(BUILD_PACKAGES) build-essential debhelper dh-python dpkg-dev fakeroot lintian
	@sh src/packaging/build-deb $(BUILD)/deb

deb-check: deb
	@$(NEED) debootstrap
	@sh src/packaging/build-deb $(BUILD)/deb-built-elsewhere >/dev/null
	@for package in $(BUILD)/deb/*.deb; do cmp $$package $(BUILD)/deb-built-elsewhere/$${package##*/} || exit 1; done
	@echo "built twice: the same bytes"
	@sh src/packaging/try-debs $(BUILD)/deb

install: all
	@cmake --install $(BUILD)/library

clean:
	rm -rf $(BUILD)
