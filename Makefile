# Thin: each target is one line of real work. `make demo` and `make test` work from a bare checkout.
export CARGO_BUILD_JOBS ?= 2
CARGO := cargo
# nextest runs the tests of all binaries at once; plain cargo does where it isn't installed.
TEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo nextest run --no-fail-fast || echo test)

.PHONY: demo test soak bench lint asan fuzz setup release

setup:
	@python3 native/build.py

demo: setup
	$(CARGO) run --release --bin moviola -- detect testdata/demo.mp4 -m demo --annotate out/demo --overwrite
	@echo 'The pictures with boxes are in out/demo.'

test: setup
	python3 -m unittest discover -s native/tests
	$(CARGO) $(TEST) --workspace --all-targets
	$(CARGO) test --workspace --doc
	python3 tests/readers/run.py target/debug/moviola
	python3 tests/report/run.py target/debug/moviola

# The command without symbols and debug information. Debuggers and backtraces find those in moviola.debug beside it. Cargo's
# own copy keeps both, so that a second run finds them again.
RELEASE := target/release/moviola
release: setup
	$(CARGO) build --release --bin moviola
	objcopy --only-keep-debug $(RELEASE) $(RELEASE).debug
	objcopy --strip-all --add-gnu-debuglink=$(RELEASE).debug $(RELEASE) $(RELEASE).stripped
	mv $(RELEASE).stripped $(RELEASE)

# What takes longer than a test may: more orders of frames, more damaged files, more kills.
soak: setup
	MOVIOLA_SOAK=1 $(CARGO) test --release -p moviola-tests --test whole -- random_access mutated stress
	MOVIOLA_SOAK=1 $(CARGO) test --release -p moviola-cli --test cli -- random_moments

lint: setup
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items

bench: setup
	python3 benches/setup.py
	$(CARGO) build --release --workspace --bins --examples
	python3 benches/run.py

fuzz: setup
	$(CARGO) build --manifest-path fuzz/Cargo.toml --target-dir target/fuzz

# MozJPEG has two private tables of one name, which the sanitizer would take for an error.
asan: setup
	RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address ASAN_OPTIONS=handle_sigbus=0:detect_odr_violation=0 \
	    $(CARGO) test -p moviola-av -p moviola-media --lib --tests \
	    --target $$(rustc -vV | sed -n 's/host: //p') --target-dir target/asan
