/** What a run sets up and has to take away again, however it ends. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChild, startChild, type Child } from "./children.ts";
import { writeSite, type Expected } from "./documents.ts";
import type { RunningServer } from "./measure.ts";
import { openNetwork, type Network } from "./namespaces.ts";
import { Missing, type Cores } from "./requirements.ts";
import { beside, type ServerKind } from "./servers.ts";

/** Seconds that a server has to come up and to answer for every document. */
const START_SECONDS = 20;

/** Namespaces, documents and programs. */
export interface Stage {
  readonly network: Network;
  readonly scratch: string;
  /** Starts a server and asks it for every document. **Fails** throws a `Missing` that says why it did not start. */
  start(kind: ServerKind): Promise<RunningServer>;
  /** Has a client ended with the stage. */
  readonly started: (child: { kill(): void }) => void;
  /** Ends every program and removes everything. */
  close(): Promise<void>;
}

/** Sets the stage, where each core takes in its own packets if `isSteered`; SIGINT, SIGTERM and the end of the program clear it. */
export function openStage(cores: Cores, isSteered: boolean): Stage {
  const scratch = mkdtempSync(join(tmpdir(), "exolith-bench-"));
  const site = join(scratch, "site");
  mkdirSync(site);
  const expected = writeSite(site);
  const servers: Child[] = [];
  const clients = new Set<{ kill(): void }>();
  const network = openNetwork(isSteered ? cores : undefined);
  const remove = (): void => {
    for (const child of [...clients, ...servers]) child.kill();
    clients.clear();
    network.close();
    rmSync(scratch, { recursive: true, force: true });
  };
  const release = atEnd(remove);
  const started = (child: { kill(): void }): void => {
    clients.clear();
    clients.add(child);
  };
  const start = async (kind: ServerKind): Promise<RunningServer> => {
    const link = network.link(kind.owner);
    const own = join(scratch, link.namespace);
    mkdirSync(own);
    const command = kind.command({ directory: site, scratch: own, link });
    const child = startChild({ namespace: link.namespace, core: cores.server }, command);
    servers.push(child);
    const place = { namespace: network.client, core: cores.client };
    await answers(child, (kill) => probe(place, link.serverAddress, expected, kill), started);
    return { name: kind.name, link, child };
  };
  const close = async (): Promise<void> => {
    for (const child of servers) await child.stop();
    release();
    remove();
  };
  return { network, scratch, start, started, close };
}

/** Calls `remove` when the program ends without having closed the stage. */
function atEnd(remove: () => void): () => void {
  const interrupted = (): void => process.exit(130);
  const terminated = (): void => process.exit(143);
  process.on("SIGINT", interrupted);
  process.on("SIGTERM", terminated);
  process.on("exit", remove);
  return () => {
    process.off("SIGINT", interrupted);
    process.off("SIGTERM", terminated);
    process.off("exit", remove);
  };
}

type Started = (child: { kill(): void }) => void;

const probe = async (
  place: { readonly namespace: string; readonly core: number },
  address: string,
  expected: readonly Expected[],
  started: Started,
): Promise<string | undefined> => {
  const words = [`http://${address}`, JSON.stringify(expected), `${START_SECONDS}`];
  const { code, said } = await runChild(place, [...beside("probe"), ...words], started);
  return code === 0 ? undefined : said;
};

/** Waits until the server has answered. **Fails** throws a `Missing` when it ended before. */
async function answers(
  child: Child,
  ask: (started: Started) => Promise<string | undefined>,
  started: Started,
): Promise<void> {
  let client: { kill(): void } | undefined;
  const asked = ask((one) => {
    client = one;
    started(one);
  });
  const gone = child.ended.then(
    (code) => `it ended with code ${code}`,
    (error: Error) => error.message,
  );
  const [who, reason] = await Promise.race([
    asked.then((why) => ["client", why]),
    gone.then((why) => ["server", why]),
  ]);
  if (reason === undefined) return;
  client?.kill();
  await asked;
  await child.stop();
  const said = [child.said(), reason].filter(Boolean).join("; ");
  // One that does not come up lacks something; one that answers, but not what it should, is wrong.
  throw who === "server" ? new Missing(said) : new Error(said);
}
