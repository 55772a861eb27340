/** Credentials (K9): a call that says it needs a capability takes a slot; the others are listed in the documents. */
import { readCalls } from "./kernel-calls.mjs";
import { listedWithoutSlot } from "./abi-pages.mjs";

const takesSlot = ({ parameters }) => parameters.some(({ type }) => type === "CapSlot");

/** Why the row and the signature of a call disagree; undefined if they agree. */
function disagreement(call) {
  if (call.row === undefined) return "has no row in CALLS";
  if (call.row.credential === "slot")
    return takesSlot(call) ? undefined : 'is authorised by "slot" but takes no CapSlot';
  return takesSlot(call) ? `takes a CapSlot but is authorised by "${call.row.credential}"` : undefined;
}

/** The gate. */
export function check({ root }) {
  const calls = readCalls(root);
  const listed = listedWithoutSlot(root);
  const problems = [];
  for (const call of calls) {
    const reason = disagreement(call);
    if (reason) problems.push(`${call.where} ${call.name} ${reason}`);
    else if (call.row.credential !== "slot" && !listed.has(call.name))
      problems.push(`${call.where} ${call.name} is not in the documented list`);
  }
  return { problems, note: `${calls.length} calls, ${listed.size} without a capability` };
}
