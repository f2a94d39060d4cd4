#!/bin/sh
# arrow_test.sh may|must-not HEADER COMPILER INCLUDE-DIRS (separated by colons)
#
# "may": a file of the layer can include the header. "must-not": for a file of the layer no such header exists; any other
# failure is a failure of the test.
verdict=$1 header=$2 compiler=$3 dirs=$4
flags=""
old_ifs=$IFS; IFS=:
for dir in $dirs; do flags="$flags -I$dir"; done
IFS=$old_ifs
message=$(printf '#include "%s"\n' "$header" | "$compiler" -std=c++23 -x c++ -E -o /dev/null $flags - 2>&1)
status=$?
case $verdict in
  may) [ $status -eq 0 ] && exit 0 ;;
  must-not) [ $status -ne 0 ] && printf '%s\n' "$message" | grep -q "'$header' file not found" && exit 0 ;;
esac
printf '%s %s include "%s": compiler ended with %s\n%s\n' "the layer" "$verdict" "$header" "$status" "$message"
exit 1
