#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/faults/fill_faults.sh with io_uring.
export FAULTS_IO=io_uring
# shellcheck source=tests/faults/fill_faults.sh
. "$(dirname "$0")/fill_faults.sh"
