/* What a handler may import, and what it must export: see assembly/handler.ts. */
#ifndef HANDLER_H
#define HANDLER_H
#include <stdint.h>

#define IMPORT(name) __attribute__((import_module("handler"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(#name)))

IMPORT(append) int32_t append(const void *address, uint32_t length);
IMPORT(send) int32_t send(void);
IMPORT(wake) void wake(void);
IMPORT(pipe) int32_t pipe(uint32_t index, void *to, const void *from, uint32_t length);
IMPORT(sum) int32_t sum(uint32_t index, uint32_t stage);

EXPORT(handle) int32_t handle(const uint8_t *message, uint32_t length);

#endif
