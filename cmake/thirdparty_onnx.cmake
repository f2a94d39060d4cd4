# sherpa_onnx::c_api, which recognises speech, and the ONNX Runtime beside it.
set(sherpa ${PARLEY_CACHE}/sherpa-onnx-2.0.1)
parley_part(SHERPA_ONNX_INCLUDE_DIR sherpa-onnx sherpa-onnx/c-api/c-api.h ${sherpa}/include)
parley_part(SHERPA_ONNX_LIBRARY_DIR sherpa-onnx libsherpa-onnx-c-api.so ${sherpa}/lib)
parley_part(ONNXRUNTIME_LIBRARY_DIR "ONNX Runtime" libonnxruntime.so ${sherpa}/lib)
mark_as_advanced(SHERPA_ONNX_INCLUDE_DIR SHERPA_ONNX_LIBRARY_DIR ONNXRUNTIME_LIBRARY_DIR)

add_library(onnxruntime::onnxruntime SHARED IMPORTED)
set_target_properties(onnxruntime::onnxruntime PROPERTIES
  IMPORTED_LOCATION ${ONNXRUNTIME_LIBRARY_DIR}/libonnxruntime.so
  IMPORTED_SONAME libonnxruntime.so)

add_library(sherpa_onnx::c_api SHARED IMPORTED)
set_target_properties(sherpa_onnx::c_api PROPERTIES
  IMPORTED_LOCATION ${SHERPA_ONNX_LIBRARY_DIR}/libsherpa-onnx-c-api.so
  IMPORTED_SONAME libsherpa-onnx-c-api.so
  IMPORTED_LINK_DEPENDENT_LIBRARIES onnxruntime::onnxruntime
  INTERFACE_INCLUDE_DIRECTORIES ${SHERPA_ONNX_INCLUDE_DIR})
