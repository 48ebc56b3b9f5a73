/* Cases as JSON Lines, in the format of docs/vectors.md. */
#pragma once
#include <stdio.h>

#include "oracle.h"

void vectors_write(FILE *f, const struct oracle_case *c);
