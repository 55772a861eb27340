/** Errors of the host as error numbers. */
import { ERRNO, refuse } from "../errno.ts";
import type { ErrnoName } from "../errno.ts";
import type { Refused } from "../filesystem/file-system.ts";

/** Codes whose names differ. */
const OTHERS: Readonly<Record<string, ErrnoName>> = {
  EOPNOTSUPP: "notsup",
  EWOULDBLOCK: "again",
  EDEADLOCK: "deadlk",
};

const isErrno = (name: string): name is ErrnoName => name !== "success" && Object.hasOwn(ERRNO, name);

/** The refusal that an error of the host's system means; `io` for those without a number. */
export function refuseHost(code: string): Refused {
  const name = code.slice(1).toLowerCase();
  return refuse(OTHERS[code] ?? (isErrno(name) ? name : "io"));
}

/** True when `error` is the host system's refusal, and no fault of ours. */
const isRefusal = (error: unknown): error is { readonly code: string } =>
  error instanceof Error && "code" in error && typeof error.code === "string" && "syscall" in error;

/** What `attempt` gives, or the refusal for what the host's system threw. */
export function attempt<T>(act: () => T): T | Refused {
  try {
    return act();
  } catch (error) {
    if (isRefusal(error)) return refuseHost(error.code);
    throw error;
  }
}
