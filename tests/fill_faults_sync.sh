#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/fill_faults.sh without helpers.
export FAULTS_IO=sync
# shellcheck source=tests/fill_faults.sh
. "$(dirname "$0")/fill_faults.sh"
