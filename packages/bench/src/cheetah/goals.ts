/** What a request is to cost Cheetah, as multiples of what it costs others in the same rounds. */
import { median } from "../statistics.ts";
import type { UnixGoal } from "../unix/goals.ts";
import type { CheetahRow } from "./bench-cheetah.ts";
import type { Mode } from "./client.ts";

interface Bound {
  readonly mode: Mode;
  readonly documents: readonly string[];
  /** The other is whichever of these needs least. */
  readonly than: readonly string[];
  readonly most: number;
  readonly isStretch?: boolean;
}

const SMALL = ["0", "100", "1K"];
const PEERS = ["nginx", "node-http"];

const BOUNDS: readonly Bound[] = [
  { mode: "keep-alive", documents: SMALL, than: ["nginx"], most: 0.6 },
  { mode: "keep-alive", documents: SMALL, than: ["node-http"], most: 0.3 },
  { mode: "keep-alive", documents: SMALL, than: ["nginx"], most: 0.5, isStretch: true },
  { mode: "keep-alive", documents: SMALL, than: ["node-http"], most: 0.25, isStretch: true },
  { mode: "keep-alive", documents: SMALL, than: ["ring-c"], most: 1.4 },
  { mode: "keep-alive", documents: ["10K"], than: PEERS, most: 0.7 },
  { mode: "keep-alive", documents: ["100K", "1M"], than: PEERS, most: 1 },
  { mode: "close", documents: SMALL, than: ["nginx"], most: 0.6 },
];

/** Microseconds of user time for 1 KB on a kept connection. */
const USER_MICROSECONDS = 1.2;
const OURS = "cheetah";

type Find = (server: string, mode: Mode, document: string) => CheetahRow | undefined;

/** `ours` as a multiple of `theirs`: each round by itself, and of that the median. */
export const ratioOfRows = (ours: CheetahRow, theirs: CheetahRow): number =>
  median(
    ours.samples.map(({ processor }, round) => processor / (theirs.samples[round]?.processor ?? Number.NaN)),
  );

function judgeBound(
  find: Find,
  { mode, documents, than, most, isStretch = false }: Bound,
): readonly UnixGoal[] {
  return documents.map((document) => {
    const what = `${document}, ${mode}: <= ${most}x ${than.join(" or ")}`;
    const ours = find(OURS, mode, document);
    const theirs = than.map((server) => find(server, mode, document));
    // The better of two is not known when one is missing.
    if (ours === undefined || theirs.includes(undefined))
      return { what, measured: "not measured", reached: undefined, isStretch };
    const ratio = Math.max(...theirs.map((row) => ratioOfRows(ours, row as CheetahRow)));
    return { what, measured: `${ratio.toFixed(2)}x`, reached: ratio <= most, isStretch };
  });
}

function judgeUser(find: Find): UnixGoal {
  const what = `1K, keep-alive: user time <= ${USER_MICROSECONDS} µs`;
  const user = find(OURS, "keep-alive", "1K")?.user.median;
  if (user === undefined) return { what, measured: "not measured", reached: undefined, isStretch: false };
  return { what, measured: `${user.toFixed(2)} µs`, reached: user <= USER_MICROSECONDS, isStretch: false };
}

/** What was asked for: goals about anything else are not mentioned. */
export interface Asked {
  readonly documents: readonly string[];
  readonly modes: readonly Mode[];
}

/** Judges what the first client measured: goals are about one and the same. */
export function judgeCheetah(rows: readonly CheetahRow[], { documents, modes }: Asked): readonly UnixGoal[] {
  const client = rows[0]?.client;
  const find: Find = (server, mode, document) =>
    rows.find(
      (row) =>
        row.client === client && row.server === server && row.mode === mode && row.document === document,
    );
  const asked = BOUNDS.filter(({ mode }) => modes.includes(mode)).map((bound) => ({
    ...bound,
    documents: bound.documents.filter((document) => documents.includes(document)),
  }));
  const user = modes.includes("keep-alive") && documents.includes("1K") ? [judgeUser(find)] : [];
  return [...asked.flatMap((bound) => judgeBound(find, bound)), ...user];
}
