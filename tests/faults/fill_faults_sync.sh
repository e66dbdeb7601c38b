#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/faults/fill_faults.sh without helpers.
export FAULTS_IO=sync
# shellcheck source=tests/faults/fill_faults.sh
. "$(dirname "$0")/fill_faults.sh"
