/* Declarations that the C library leaves out, for sources that are built unchanged; see unix.c. */
#ifndef EXOLITH_UNIX_H
#define EXOLITH_UNIX_H
#include <stdio.h>
#define L_tmpnam 32
#endif
