# The parts of the cache: how each is made of what was fetched. A make_* runs in an empty folder, finds the fetched
# packages as the files given to it, and leaves below ./made what is to be moved into the cache.

# Where a part lives in the cache: all of these exist or the part is made again.
places() {
  case $1 in
    libdatachannel) echo libdatachannel-0.23.2 ;;
    livekit-protocol) echo livekit-protocol-0.8.2 ;;
    sherpa-onnx) echo sherpa-onnx-2.0.1 ;;
    silero) echo models/silero_vad.onnx models/silero_vad.LICENSE ;;
    moonshine) echo models/moonshine-tiny-en ;;
    playwright) echo playwright-core-1.58.0 ;;
    livekit-client) echo livekit-client-2.23.0 ;;
    livekit-python-sdk) echo livekit-python-sdk-1.2.1 ;;
    livekit-server) echo livekit-server-1.13.5 ;;
    livekit-server-floor) echo livekit-server-1.9.12 ;;
  esac
}

make_libdatachannel() {
  local patch
  tar xzf "$1"
  mv datachannel-sys-*/libdatachannel made/libdatachannel-0.23.2
  for patch in "$here"/patches/libdatachannel-*.patch; do
    patch -d made/libdatachannel-0.23.2 -p1 --fuzz=0 --no-backup-if-mismatch <"$patch" >patch.log 2>&1 ||
      { cat patch.log >&2
        fail "libdatachannel" "$(basename "$patch") does not apply to the fetched sources" "the lock and the patches disagree: get a clean checkout of tools/setup"; }
  done
}

make_livekit-protocol() {
  local folder=made/livekit-protocol-0.8.2 proto
  tar xzf "$1"
  mkdir "$folder"
  mv livekit-protocol-*/protocol/LICENSE livekit-protocol-*/protocol/NOTICE "$folder/"
  for proto in livekit_agent livekit_metrics livekit_models livekit_rtc; do
    python3 "$here/livekit-protocol_plain.py" livekit-protocol-*/protocol/protobufs/$proto.proto "$folder/$proto.proto"
  done
}

make_sherpa-onnx() {
  cmake -E tar xf "$1"
  mkdir made/sherpa-onnx-2.0.1
  mv sherpa_onnx/include sherpa_onnx/lib made/sherpa-onnx-2.0.1/
  rm made/sherpa-onnx-2.0.1/lib/libsherpa-onnx-cxx-api.so made/sherpa-onnx-2.0.1/include/sherpa-onnx/c-api/cxx-api.h
}

make_silero() {
  cmake -E tar xf "$1"
  mkdir -p made/models
  mv silero_vad/data/silero_vad.onnx made/models/
  mv silero_vad-*.dist-info/licenses/LICENSE made/models/silero_vad.LICENSE
}

make_moonshine() {
  local models=package/dist/model/tiny/quantized made=made/models/moonshine-tiny-en
  tar xzf "$1"
  mkdir -p "$made"
  mv "$models/encoder_model.onnx" "$models/decoder_model_merged.onnx" package/LICENSE "$made/"
  tar xzf "$2"
  mv package/llama-tokenizer.js llama-tokenizer.mjs
  node "$here/moonshine_tokens.mjs" llama-tokenizer.mjs >"$made/tokens.txt"
}

make_playwright() {
  tar xzf "$1"
  mkdir -p made/playwright-core-1.58.0/node_modules
  mv package made/playwright-core-1.58.0/node_modules/playwright-core
}

make_livekit-client() {
  tar xzf "$1"
  mkdir made/livekit-client-2.23.0
  mv package/LICENSE package/dist/livekit-client.umd.js made/livekit-client-2.23.0/
}

# A folder for PYTHONPATH. The SDK's numpy is Debian's.
make_livekit-python-sdk() {
  mkdir made/livekit-python-sdk-1.2.1
  cd made/livekit-python-sdk-1.2.1
  cmake -E tar xf "$1"
  cmake -E tar xf "$2"
  cd ../..
}

make_livekit-server() {
  mkdir made/livekit-server-1.13.5
  install "$1" made/livekit-server-1.13.5/livekit-server
}

make_livekit-server-floor() {
  mkdir made/livekit-server-1.9.12
  install "$1" made/livekit-server-1.9.12/livekit-server
}
