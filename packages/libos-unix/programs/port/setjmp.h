/* The C library has no setjmp: nothing may save or restore a context, but the type may be named. */
#ifndef EXOLITH_SETJMP_H
#define EXOLITH_SETJMP_H
typedef int jmp_buf[1];
#endif
