/**
 * 03: log in, with nobody privileged.
 *
 * A user starts with a capability that reaches nothing of anybody's. An
 * authentication server, an environment like any other, is told a name and a
 * password by protected transfer, and offers the user's capabilities to whoever
 * knows them. Neither holds the root; the server holds what its users may get.
 */
import {
  CAPABILITY_SLOTS,
  NEVER,
  WELL_KNOWN_SLOT,
  capSlot,
  failed,
  frame,
  must,
  rowOf,
  sliceIndex,
  type EnvId,
  type Gate,
  type Program,
} from "@exolith/exokernel/abi";
import { RIGHTS } from "@exolith/secure-bind";
import { makeSingle } from "./support/machines.ts";
import { readOptions } from "./support/options.ts";

const own = capSlot(0);
const MESSAGE_BYTES = 64;
const PAGE = frame(20);

const outcome = (result: unknown): string =>
  failed(result) ? `refused: ${(result as { name: string }).name}` : "done";

/** What an environment holds, but for the well-known capability, which everybody has. */
function held({ capabilities }: Gate): string {
  const names: string[] = [];
  for (let slot = 0; slot < CAPABILITY_SLOTS; slot++)
    if (capabilities.rights(slot) >= 0 && slot !== WELL_KNOWN_SLOT) names.push(capabilities.name(slot));
  return names.join(", ");
}

const rest = (gate: Gate): void => {
  gate.sleep(gate.environments.events(rowOf(gate.self)), NEVER);
};

/** Users by name; what each may get is in the slot of the server's that is named last. */
const PASSWORDS = new Map([
  ["ada", { password: "difference engine", name: [1, 115], slot: capSlot(1) }],
  ["bob", { password: "uncle", name: [1, 116], slot: capSlot(2) }],
]);

/** Reads a name and a password from where the kernel puts words, and offers; it never sleeps on a caller. */
const server: Program = (gate) => {
  must(gate.sliceAlloc(sliceIndex(10), own));
  const inbox = must(gate.windowBind(must(gate.frameAllocAny(own)), 1, true, own));
  must(gate.transferBuffer(inbox, 0));
  return {
    sliceBegin: () => rest(gate),
    transferWords: (caller) => {
      const [user = "", password] = inbox.text(0, MESSAGE_BYTES).split("\0");
      inbox.fill(0, MESSAGE_BYTES, 0);
      const known = PASSWORDS.get(user);
      if (known === undefined || known.password !== password) return 0;
      must(gate.capabilityOffer(caller, { name: known.name, rights: RIGHTS.all }, known.slot));
      return 1;
    },
  };
};

/** Says a name and a password to the server, and takes what it offers. */
function logIn(gate: Gate, to: EnvId, user: string, password: string): void {
  const mine = must(gate.frameAllocAny(own));
  const window = must(gate.windowBind(mine, 1, true, own));
  const message = new TextEncoder().encode(`${user}\0${password}`);
  window.write(0, message, 0, message.length);
  const answer = must(gate.transferWords(to, window, 0, MESSAGE_BYTES / 4, 0));
  console.log(`login as ${user}, "${password}":`.padEnd(38), answer === 1 ? "welcome" : "no");
  console.log("  acquire what the server offers:".padEnd(38), outcome(gate.capabilityAcquire(to)));
  must(gate.framesFree(mine, 1, own));
}

const visitor =
  (to: EnvId): Program =>
  (gate) => {
    must(gate.sliceAlloc(sliceIndex(20), own));
    const adas = { name: [1, 115], rights: RIGHTS.all };
    return {
      sliceBegin: () => {
        console.log("the user holds:".padEnd(38), held(gate));
        console.log("it forges Ada's capability:".padEnd(38), outcome(gate.capabilityForge(own, adas)));
        console.log("it reads Ada's page:".padEnd(38), outcome(gate.windowBind(PAGE, 1, false, own)));
        logIn(gate, to, "ada", "analytical engine");
        logIn(gate, to, "ada", "difference engine");
        console.log("the user holds:".padEnd(38), held(gate));
        const page = must(gate.windowBind(PAGE, 1, false, capSlot(1)));
        console.log("it reads Ada's page:".padEnd(38), page.text(0, 23));
        rest(gate);
      },
    };
  };

const options = readOptions();
const { add, run, finish } = makeSingle(options);
const all = RIGHTS.all;
/** Ada left a page, guarded by her name. */
const ada: Program = (gate) => {
  must(gate.framesAlloc(PAGE, 1, own));
  const text = new TextEncoder().encode("note G: Bernoulli, 1843");
  must(gate.windowBind(PAGE, 1, true, own)).write(0, text, 0, text.length);
  return { sliceBegin: () => {} };
};
add({ name: [1, 115], grants: [], program: ada });
const users = [...PASSWORDS.values()].map(({ name }) => ({ name, rights: all }));
const serverId = add({ name: [1, 0, 0, 7], grants: users, program: server });
add({ name: [1, 0, 0, 7, 1, 5], grants: [], program: visitor(serverId) });
run();
finish();
