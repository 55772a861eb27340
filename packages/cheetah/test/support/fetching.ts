/** Fetching with the host's own HTTP client, for bodies too large to hold. */
import { createHash } from "node:crypto";
import { Agent, get as httpGet } from "node:http";

/** What came, without the bytes. */
export interface Fetched {
  readonly status: number;
  readonly length: number;
  /** SHA-256, hexadecimal. */
  readonly digest: string;
}

/** A client that keeps at most `connections` open, and uses them again. */
export const makeAgent = (connections: number): Agent =>
  new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections });

/** Fetches `target` through `agent` and digests the body as it comes; rejects when it breaks off. */
export const fetchDigest = (agent: Agent, port: number, target: string): Promise<Fetched> =>
  new Promise((resolve, reject) => {
    const request = httpGet({ host: "127.0.0.1", port, path: target, agent }, (response) => {
      const hash = createHash("sha256");
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        length += chunk.length;
        hash.update(chunk);
      });
      response.once("error", reject);
      response.once("end", () =>
        resolve({ status: response.statusCode ?? 0, length, digest: hash.digest("hex") }),
      );
    });
    request.once("error", reject);
  });
