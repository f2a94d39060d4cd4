# onnxruntime::onnxruntime (its C API and the header-only C++ one) and sherpa_onnx::c_api, which runs on it.
# The headers are of an older API version than the library, as the interface allows: ask for GetApi(ORT_API_VERSION).
set(sherpa ${PARLEY_CACHE}/sherpa-onnx-2.0.1)
parley_part(ONNXRUNTIME_INCLUDE_DIR "ONNX Runtime" onnxruntime_c_api.h ${PARLEY_CACHE}/onnxruntime-1.28.2/include)
parley_part(ONNXRUNTIME_LIBRARY_DIR "ONNX Runtime" libonnxruntime.so ${sherpa}/lib)
parley_part(SHERPA_ONNX_INCLUDE_DIR sherpa-onnx sherpa-onnx/c-api/c-api.h ${sherpa}/include)
parley_part(SHERPA_ONNX_LIBRARY_DIR sherpa-onnx libsherpa-onnx-c-api.so ${sherpa}/lib)
mark_as_advanced(ONNXRUNTIME_INCLUDE_DIR ONNXRUNTIME_LIBRARY_DIR SHERPA_ONNX_INCLUDE_DIR SHERPA_ONNX_LIBRARY_DIR)

add_library(onnxruntime::onnxruntime SHARED IMPORTED)
set_target_properties(onnxruntime::onnxruntime PROPERTIES
  IMPORTED_LOCATION ${ONNXRUNTIME_LIBRARY_DIR}/libonnxruntime.so
  IMPORTED_SONAME libonnxruntime.so
  INTERFACE_INCLUDE_DIRECTORIES ${ONNXRUNTIME_INCLUDE_DIR})

add_library(sherpa_onnx::c_api SHARED IMPORTED)
set_target_properties(sherpa_onnx::c_api PROPERTIES
  IMPORTED_LOCATION ${SHERPA_ONNX_LIBRARY_DIR}/libsherpa-onnx-c-api.so
  IMPORTED_SONAME libsherpa-onnx-c-api.so
  IMPORTED_LINK_DEPENDENT_LIBRARIES onnxruntime::onnxruntime
  INTERFACE_INCLUDE_DIRECTORIES ${SHERPA_ONNX_INCLUDE_DIR})
