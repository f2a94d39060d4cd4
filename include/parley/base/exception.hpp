// What was thrown, as a sentence for logs and reports.
#pragma once

#include <string>

namespace parley {

// Of the exception that is being handled: only inside a catch block. Thrown things need not be std::exception.
std::string describe_current_exception();

}  // namespace parley
