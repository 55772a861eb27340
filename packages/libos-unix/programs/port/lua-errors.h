/*
 * Lua's errors without setjmp. Lua lets whoever builds it say how an error goes
 * to the call that protects from it; here the frames between are unwound by code
 * that is added to the finished module (throwing.ts), and lua-errors.c starts
 * and stops that. `f` and `ud` are the names that Lua's own use of LUAI_TRY has.
 */
#ifndef EXOLITH_LUA_ERRORS_H
#define EXOLITH_LUA_ERRORS_H
struct lua_State;
void exolith_protect(void (*call)(struct lua_State *, void *), struct lua_State *state, void *argument);
void exolith_throw(void);
#define LUAI_TRY(L, c, a) exolith_protect(f, L, ud);
#define LUAI_THROW(L, c) exolith_throw()
#define luai_jmpbuf int
#endif
